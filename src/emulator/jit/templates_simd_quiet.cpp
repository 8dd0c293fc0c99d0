// SPDX-License-Identifier: BSD-3-Clause
// SIMD and floating-point instructions without a template of their own: their handlers, called the
// cheap way where all they touch is V registers and FPSR.
#include "emulator/jit/emitter.h"
#include "emulator/jit/templates.h"
#include "emulator/jit/vector_operations.h"

#include <algorithm>
#include <vector>

namespace gh::jit {
namespace {

#define INST(name, bits, feature) cpu::name,
constexpr cpu::Translate kAll[]{
#include "emulator/cpu/encodings/simd.inc"
};
#undef INST

/// Those that may fault, or that read or write general registers or NZCV.
constexpr cpu::Translate kNotQuiet[]{
    cpu::LD_multiple,
    cpu::ST_multiple,
    cpu::LD_multiple_post,
    cpu::ST_multiple_post,
    cpu::LD_single,
    cpu::ST_single,
    cpu::LD_single_post,
    cpu::ST_single_post,
    cpu::LDR_simd_literal,
    cpu::STNP_simd,
    cpu::LDNP_simd,
    cpu::STP_simd_post,
    cpu::LDP_simd_post,
    cpu::STP_simd,
    cpu::LDP_simd,
    cpu::STP_simd_pre,
    cpu::LDP_simd_pre,
    cpu::STUR_simd,
    cpu::LDUR_simd,
    cpu::STR_simd_post,
    cpu::LDR_simd_post,
    cpu::STR_simd_pre,
    cpu::LDR_simd_pre,
    cpu::STR_simd_register,
    cpu::LDR_simd_register,
    cpu::STR_simd_imm,
    cpu::LDR_simd_imm,
    cpu::DUP_general,
    cpu::SMOV,
    cpu::UMOV,
    cpu::INS_general,
    cpu::FCMP,
    cpu::FCCMP,
    cpu::FCSEL,
    cpu::SCVTF_fixed,
    cpu::UCVTF_fixed,
    cpu::FCVTZS_fixed,
    cpu::FCVTZU_fixed,
    cpu::FCVTNS,
    cpu::FCVTNU,
    cpu::SCVTF,
    cpu::UCVTF,
    cpu::FCVTAS,
    cpu::FCVTAU,
    cpu::FMOV_to_general,
    cpu::FMOV_from_general,
    cpu::FCVTPS,
    cpu::FCVTPU,
    cpu::FCVTMS,
    cpu::FCVTMU,
    cpu::FCVTZS,
    cpu::FCVTZU,
    cpu::FJCVTZS,
};

std::vector<TemplateRow> quiet_rows()
{
    std::vector<TemplateRow> rows;
    for (const cpu::Translate encoding : kAll)
        if (std::find(std::begin(kNotQuiet), std::end(kNotQuiet), encoding) == std::end(kNotQuiet))
            rows.push_back({encoding, {call_quietly, kPlain}});
    return rows;
}

}  // namespace

std::span<const TemplateRow> simd_quiet_templates() noexcept
{
    static const std::vector<TemplateRow> kRows = quiet_rows();
    return kRows;
}

}  // namespace gh::jit
