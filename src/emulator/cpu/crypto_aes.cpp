// SPDX-License-Identifier: BSD-3-Clause
// FEAT_AES and FEAT_PMULL (DDI 0487, C4.1).
#include "emulator/cpu/aes.h"
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

/// rd ^= rn, then a step.
template <auto Step>
Handler add_key(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        Vreg& block = state.v[in.rd];
        for (unsigned i = 0; i < 2; ++i)
            block.d[i] ^= state.v[in.rn].d[i];
        (host_aes().*Step)(block);
    });
}

/// rd = a step of rn.
template <auto Step>
Handler mix(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        state.v[in.rd] = state.v[in.rn];
        (host_aes().*Step)(state.v[in.rd]);
    });
}

}  // namespace

Handler AESE(std::uint32_t word, Insn& insn)
{
    return add_key<&AesSteps::sub_shift>(word, insn);
}

Handler AESD(std::uint32_t word, Insn& insn)
{
    return add_key<&AesSteps::inverse_sub_shift>(word, insn);
}

Handler AESMC(std::uint32_t word, Insn& insn)
{
    return mix<&AesSteps::mix>(word, insn);
}

Handler AESIMC(std::uint32_t word, Insn& insn)
{
    return mix<&AesSteps::inverse_mix>(word, insn);
}

Handler PMULL_64(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = field(word, 30, 1);  // Q: the upper halves
    return handler([](State& state, const Insn& in) {
        host_aes().multiply(state.v[in.rd], state.v[in.rn].d[in.imm], state.v[in.rm].d[in.imm]);
    });
}

}  // namespace gh::cpu
