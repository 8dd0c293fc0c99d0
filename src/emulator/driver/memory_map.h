// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"
#include "emulator/driver/guest_memory.h"
#include "emulator/driver/personality.h"
#include "gunyah/uapi.h"
#include "memory/gpa.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace gh::driver {

/// Memory that a VM's owner bound to guest addresses: its own by SET_USER_MEM_REGION or
/// LEND_USER_MEM, or the driver's by MAP_MEM.
struct Binding {
    Gpa at{};
    std::uint64_t size = 0;
    std::uint32_t label = 0;
    std::uint32_t rights = 0;  // GH_MEM_ALLOW_*
    bool lent = false;

    std::uint64_t address = 0;  // the client's, where `memory` is null
    std::shared_ptr<GuestMemory> memory;
    std::uint64_t offset = 0;     // into memory
    std::uint32_t map_flags = 0;  // MAP_MEM's

    std::unique_ptr<GuestView> view;  // once the guest has it

    [[nodiscard]] Gpa last() const noexcept { return at + (size - 1); }
    [[nodiscard]] bool meets(Gpa other, std::uint64_t other_size) const noexcept;
    /// Copies what lies at `from` of the binding; false where it is not there.
    [[nodiscard]] bool read(const Client& client, std::uint64_t from,
                            std::span<std::byte> to) const noexcept;
    /// Shows it to the guest: 0 or an errno.
    [[nodiscard]] int give(Client& client);
};

/// The guest-physical map of a VM as its owner described it. Not for two threads at once.
class MemoryMap {
public:
    /// Both outlive it.
    MemoryMap(Client& client, const Personality& personality)
        : client_(client), personality_(personality)
    {
    }
    MemoryMap(const MemoryMap&) = delete;
    MemoryMap& operator=(const MemoryMap&) = delete;
    ~MemoryMap();

    /// SET_USER_MEM_REGION and LEND_USER_MEM from the flags on, in the generation's order of checks
    /// (gunyah-uapi.md 2.2): 0 or an errno.
    [[nodiscard]] int add(const gunyah::gh_userspace_memory_region& region, bool lend);

    /// MAP_MEM whose arguments are sound (2.3): EEXIST where file or guest range are taken.
    [[nodiscard]] int bind(Binding binding);
    /// MAP_MEM with UNMAP: ENOENT, EINVAL for a hole in the middle, EBUSY once the guest has it.
    [[nodiscard]] int unbind(const gunyah::gunyah_map_mem_args& range);

    /// The binding that holds `at`, as an index into all().
    [[nodiscard]] std::optional<std::size_t> find(Gpa at) const noexcept;
    /// One that holds any of the range.
    [[nodiscard]] std::optional<std::size_t> find_any(Gpa at, std::uint64_t size) const noexcept;
    [[nodiscard]] const std::vector<Binding>& all() const noexcept { return bindings_; }

    /// Makes every binding visible to the guest: lent ones leave the client's view here. 0 or an
    /// errno. Bindings that are visible already stay.
    [[nodiscard]] int give();
    /// Gives everything back.
    void take_back() noexcept;

private:
    int remove(std::uint32_t label);
    [[nodiscard]] int check_place(const gunyah::gh_userspace_memory_region& region) const;
    [[nodiscard]] int pin(const gunyah::gh_userspace_memory_region& region);
    void insert(Binding binding);

    Client& client_;
    const Personality& personality_;
    std::vector<Binding> bindings_;  // ascending
    std::vector<Binding> kept_;      // removed, but the guest has them
    std::uint64_t locked_ = 0;       // bytes that count against RLIMIT_MEMLOCK
};

/// Size of a page of the host: what alignments and the run page are measured in.
[[nodiscard]] std::uint64_t page_size() noexcept;

}  // namespace gh::driver
