// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/call.h"
#include "emulator/hyp/power.h"

namespace gh::hyp {

/// PSCI 1.1 as Gunyah answers it (gunyah-guest-abi.md 3.6, golden "# PSCI"; Arm DEN 0022).
class Psci {
public:
    /// `proxy` as VmConfig has it.
    explicit Psci(Power& power, bool proxy = true) : power_(power), proxy_(proxy) {}

    /// Answers function 0x84000000..0x8400001f or its 64-bit form; kNotSupported if it has none.
    After call(Call& call) noexcept;
    [[nodiscard]] static bool is_function(std::uint32_t id) noexcept
    {
        return (id & 0xbfff'ffe0) == 0x8400'0000;
    }

private:
    [[nodiscard]] std::uint64_t cpu_on(const Call& call) noexcept;
    [[nodiscard]] std::uint64_t affinity_info(const Call& call) const noexcept;
    After cpu_off(Call& call) noexcept;
    After suspend(Call& call, std::uint64_t power_state, bool power_down,
                  const Start& start) noexcept;
    After system_off() noexcept;
    After system_reset(Call& call) noexcept;
    After system_reset2(Call& call) noexcept;

    Power& power_;
    const bool proxy_;
};

}  // namespace gh::hyp
