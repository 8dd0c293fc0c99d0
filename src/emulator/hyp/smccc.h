// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/call.h"
#include "emulator/hyp/hypercalls.h"
#include "emulator/hyp/psci.h"

namespace gh::hyp {

/// Everything a guest can ask by HVC or SMC: which service a call is for (SMC Calling Convention,
/// Arm DEN 0028; gunyah-guest-abi.md 3.7; golden "# SMCCC").
class Smccc {
public:
    /// `psci` is nullptr for a VM without PSCI.
    Smccc(Psci* psci, Hypercalls& hypercalls) : psci_(psci), hypercalls_(hypercalls) {}

    After call(Call& call, bool smc, std::uint16_t immediate) noexcept;

private:
    After convention(Call& call) noexcept;

    Psci* psci_;
    Hypercalls& hypercalls_;
};

}  // namespace gh::hyp
