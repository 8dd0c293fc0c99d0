// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/mmu.h"
#include "emulator/cpu/state.h"
#include "emulator/hyp/call_error.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace gh::hyp {

/// The memory of a guest by the virtual addresses that one of its vCPUs gives to a hypercall: its
/// stage 1 as EL1 has it now, without PAN (as by AT S12E1R and W), then stage 2. That vCPU's
/// thread.
class GuestAccess {
public:
    GuestAccess(cpu::State& state, cpu::Platform& platform) : state_(state), platform_(platform) {}

    /// kOk; kAddressOverflow: the range wraps; kArgumentInvalid: stage 1 does not map it;
    /// kAddressInvalid: it is no RAM; kDenied: RAM that cannot be written. Pages before one that
    /// fails are copied.
    [[nodiscard]] CallError read(std::uint64_t va, std::span<std::byte> to) const noexcept;
    [[nodiscard]] CallError write(std::uint64_t va, std::span<const std::byte> from) const noexcept;

private:
    struct Place {
        CallError error = kOk;
        std::byte* host = nullptr;
    };
    [[nodiscard]] Place find(std::uint64_t va, cpu::AccessKind kind) const noexcept;
    template <class Copy>
    CallError for_each_page(std::uint64_t va, std::size_t size, cpu::AccessKind kind,
                            Copy copy) const noexcept;

    cpu::State& state_;
    cpu::Platform& platform_;
};

}  // namespace gh::hyp
