// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/call.h"

namespace gh::hyp {

/// The TRNG firmware interface 1.0 (Arm DEN 0098): entropy for a guest, by SMCCC.
[[nodiscard]] bool is_trng_function(std::uint32_t function) noexcept;
After trng_call(Call& call) noexcept;

}  // namespace gh::hyp
