// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"
#include "gunyah/uapi.h"
#include "memory/gpa.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace gh::driver {

/// One SET_USER_MEM_REGION or LEND_USER_MEM.
struct Binding {
    gunyah::gh_userspace_memory_region region{};
    bool lent = false;
    std::unique_ptr<GuestView> view;  // once the guest has it

    [[nodiscard]] Gpa last() const { return Gpa{region.guest_phys_addr + region.memory_size - 1}; }
};

/// The guest-physical map of a VM as its owner described it. Not for two threads at once.
class MemoryMap {
public:
    /// The checks of android15 and later, in their order: 0, EINVAL or EEXIST. Labels may repeat,
    /// and the memory itself is not looked at.
    [[nodiscard]] int add(const gunyah::gh_userspace_memory_region& region, bool lent);

    /// The binding that holds `at`, as an index into all().
    [[nodiscard]] std::optional<std::size_t> find(Gpa at) const;
    [[nodiscard]] const std::vector<Binding>& all() const noexcept { return bindings_; }

    /// Makes every binding visible to the guest: lent ones leave the client's view here. 0 or an
    /// errno. Bindings that are visible already stay.
    [[nodiscard]] int give(Client& client);
    /// Gives everything back.
    void take_back() noexcept;

private:
    std::vector<Binding> bindings_;  // ascending
};

/// Size of a page of the host: what alignments and the run page are measured in.
[[nodiscard]] std::uint64_t page_size() noexcept;

}  // namespace gh::driver
