// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/state.h"

#include <cstdint>

namespace gh::cpu {

/// The steps of AES (FIPS 197) that FEAT_AES splits a round into, on a block held column by column,
/// and FEAT_PMULL's product of polynomials over GF(2).
struct AesSteps {
    void (*sub_shift)(Vreg&);          // SubBytes, ShiftRows
    void (*inverse_sub_shift)(Vreg&);  // InvSubBytes, InvShiftRows
    void (*mix)(Vreg&);                // MixColumns
    void (*inverse_mix)(Vreg&);        // InvMixColumns
    void (*multiply)(Vreg& product, std::uint64_t a, std::uint64_t b);
};

[[nodiscard]] const AesSteps& portable_aes() noexcept;
/// By the host's own instructions; portable_aes() if it has none.
[[nodiscard]] const AesSteps& host_aes() noexcept;

}  // namespace gh::cpu
