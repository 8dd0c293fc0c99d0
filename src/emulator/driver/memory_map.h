// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/binding.h"
#include "emulator/driver/client.h"
#include "emulator/driver/guest_memory.h"
#include "emulator/driver/personality.h"
#include "gunyah/uapi.h"
#include "memory/gpa.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace gh::driver {

/// The guest-physical map of a VM as its owner described it, and what of it the guest has. Any
/// thread; where a call says so, lock() is held.
class MemoryMap final : public MemoryUser, public std::enable_shared_from_this<MemoryMap> {
public:
    /// `personality` outlives it.
    MemoryMap(std::shared_ptr<Client> client, const Personality& personality)
        : client_(std::move(client)), personality_(personality)
    {
    }
    MemoryMap(const MemoryMap&) = delete;
    MemoryMap& operator=(const MemoryMap&) = delete;
    ~MemoryMap() override;

    [[nodiscard]] std::unique_lock<std::mutex> lock() const { return std::unique_lock(mutex_); }

    /// SET_USER_MEM_REGION and LEND_USER_MEM from the flags on, in the generation's order of checks
    /// (gunyah-uapi.md 2.2): 0 or an errno.
    [[nodiscard]] int add(const gunyah::gh_userspace_memory_region& region, bool lend);

    /// MAP_MEM whose arguments are sound (2.3): EEXIST where file or guest range are taken.
    [[nodiscard]] int bind(Binding binding);
    /// MAP_MEM with UNMAP: ENOENT, EINVAL for a hole in the middle, EBUSY where the guest has some
    /// of it alone.
    [[nodiscard]] int unbind(const gunyah::gunyah_map_mem_args& range);
    /// RECLAIM_REGION: 0, or EBUSY where the guest has some of it alone.
    [[nodiscard]] int reclaim(Gpa at, std::uint64_t size);
    int take_back(const GuestMemory& memory, FileRange range) override;

    /// The binding that holds `at`, as an index into all(). Locked.
    [[nodiscard]] std::optional<std::size_t> find(Gpa at) const noexcept;
    /// One that holds any of the range. Locked.
    [[nodiscard]] std::optional<std::size_t> find_any(Gpa at, std::uint64_t size) const noexcept;
    /// Ascending. Locked.
    [[nodiscard]] const std::vector<Binding>& all() const noexcept { return bindings_; }

    /// Gives the guest all of every binding: lent ones leave the client's view here. 0 or an errno.
    /// Locked.
    [[nodiscard]] int give_all();
    /// Gives what a VM that pages on demand has from its start, a range of binding `image`; and has
    /// its client show what it does not show later. Locked.
    [[nodiscard]] int give_at_start(std::size_t image, std::uint64_t from, std::uint64_t bytes);
    /// From now on the guest runs, and what is given goes to it; nullptr: no more. Locked.
    void attach(hyp::Vm* hypervisor) noexcept { hypervisor_ = hypervisor; }
    /// Brings in the page that the guest wants: 0, or why not as an errno (2.8).
    [[nodiscard]] int page_in(Gpa at, hyp::FaultAccess access);
    /// Gives everything back. The guest is gone.
    void give_back_all() noexcept;

private:
    int remove(std::uint32_t label);
    [[nodiscard]] int check_place(const gunyah::gh_userspace_memory_region& region) const;
    [[nodiscard]] int pin(const gunyah::gh_userspace_memory_region& region);
    void insert(Binding binding);
    [[nodiscard]] bool may_bring_neighbours(const Binding& binding) const;
    [[nodiscard]] int take(Binding& binding, std::uint64_t from, std::uint64_t last);

    std::shared_ptr<Client> client_;
    const Personality& personality_;
    mutable std::mutex mutex_;
    hyp::Vm* hypervisor_ = nullptr;
    std::vector<Binding> bindings_;  // ascending
    std::vector<Binding> kept_;      // removed, but the guest has them
    std::uint64_t locked_ = 0;       // bytes that count against RLIMIT_MEMLOCK
};

/// Size of a page of the host: what alignments and the run page are measured in.
[[nodiscard]] std::uint64_t page_size() noexcept;

}  // namespace gh::driver
