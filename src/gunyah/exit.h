// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/uapi.h"
#include "memory/gpa.h"

#include <array>
#include <cstdint>
#include <span>
#include <variant>

namespace gh::gunyah {

/// The guest loaded from, or stored to, an address that no memory backs.
struct MmioExit {
    Gpa address{};
    unsigned size = 0;  // 1, 2, 4 or 8
    bool is_write = false;
    std::uint64_t value = 0;  // writes: zero-extended from `size`
};

/// The VM is over. `reason` is clamped to what the page holds; `reason_size` is what the Resource
/// Manager said.
struct StatusExit {
    std::uint32_t status = 0;  // GH_VM_STATUS_*
    std::uint16_t type = 0;    // ExitType, if the status is EXITED
    std::uint32_t reason_size = 0;
    std::array<std::uint8_t, 8> reason{};

    [[nodiscard]] std::span<const std::uint8_t> reason_bytes() const noexcept
    {
        return std::span(reason).first(reason_size < reason.size() ? reason_size : reason.size());
    }
};

/// The kernel could not bring in a page that the guest touched. The next run tries again.
struct PageFaultExit {
    Gpa address{};
    int error = 0;  // a positive errno: the kernel's `attempt`
};

/// interrupt() or a signal ended the run and there is nothing to answer.
struct Interrupted {};

using Exit = std::variant<Interrupted, MmioExit, StatusExit, PageFaultExit>;

}  // namespace gh::gunyah
