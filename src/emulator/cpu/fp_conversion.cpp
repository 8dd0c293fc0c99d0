// SPDX-License-Identifier: BSD-3-Clause
// Conversion between floating point and integer or fixed point, and FMOV between the register files
// (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

/// make(X{}, T{}) for the general register's width, sf in bit 31, and the floating-point type.
template <class Make>
Handler pick(std::uint32_t word, Make make)
{
    return FpType::pick(word, [&]<class T, unsigned N>(Arrangement<T, N>) {
        return bit(word, 31) ? make(std::uint64_t{}, T{}) : make(std::uint32_t{}, T{});
    });
}

/// scale in bits 15:10: 64 minus the bits of fraction, of which a W register has at most 32.
/// Without a scale (bit 21) there are none.
bool set_fraction_bits(std::uint32_t word, Insn& insn)
{
    insn.imm = bit(word, 21) ? 0 : 64u - field(word, 10, 6);
    return bit(word, 31) || insn.imm <= 32;
}

template <Sign S, FPRounding Rounding>
Handler to_general(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.rd = destination(insn.rd);
    if (!set_fraction_bits(word, insn))
        return nullptr;
    return pick(word, []<class X, class T>(X, T) {
        return handler([](State& state, const Insn& in) {
            FpEnv env = fp_env(state);
            const T source = lanes_of<T>(state.v[in.rn])[0];
            using Int = Signed<std::make_signed_t<X>, S>;
            state.x[in.rd] = static_cast<X>(FPToFixed<Int>(source, in.imm, Rounding, env));
        });
    });
}

template <Sign S>
Handler from_general(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.rn = source(insn.rn);
    if (!set_fraction_bits(word, insn))
        return nullptr;
    return pick(word, []<class X, class T>(X, T) {
        return handler([](State& state, const Insn& in) {
            FpEnv env = fp_env(state);
            const auto source = static_cast<Signed<std::make_signed_t<X>, S>>(state.x[in.rn]);
            state.v[in.rd] = vreg_of<T>({FixedToFP<T>(source, in.imm, env)});
        });
    });
}

/// The lane of type T that an FMOV moves; bits 20:19 (rmode) and type choose it.
enum class Moved { Single, Double, Top, Nothing };

Moved moved(std::uint32_t word)
{
    switch (field(word, 31, 1) << 3 | field(word, 22, 2) << 1 | field(word, 19, 1)) {
    case 0b0'00'0: return Moved::Single;
    case 0b1'01'0: return Moved::Double;
    case 0b1'10'1: return Moved::Top;
    default: return Moved::Nothing;
    }
}

}  // namespace

Handler SCVTF(std::uint32_t word, Insn& insn)
{
    return from_general<Sign::Signed>(word, insn);
}

Handler SCVTF_fixed(std::uint32_t word, Insn& insn)
{
    return from_general<Sign::Signed>(word, insn);
}

Handler FCVTNS(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Signed, FPRounding::TieEven>(word, insn);
}

Handler FCVTPS(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Signed, FPRounding::PosInf>(word, insn);
}

Handler FCVTMS(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Signed, FPRounding::NegInf>(word, insn);
}

Handler FCVTZS(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Signed, FPRounding::Zero>(word, insn);
}

Handler FCVTAS(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Signed, FPRounding::TieAway>(word, insn);
}

Handler FCVTZS_fixed(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Signed, FPRounding::Zero>(word, insn);
}

Handler UCVTF(std::uint32_t word, Insn& insn)
{
    return from_general<Sign::Unsigned>(word, insn);
}

Handler UCVTF_fixed(std::uint32_t word, Insn& insn)
{
    return from_general<Sign::Unsigned>(word, insn);
}

Handler FCVTNU(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Unsigned, FPRounding::TieEven>(word, insn);
}

Handler FCVTPU(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Unsigned, FPRounding::PosInf>(word, insn);
}

Handler FCVTMU(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Unsigned, FPRounding::NegInf>(word, insn);
}

Handler FCVTZU(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Unsigned, FPRounding::Zero>(word, insn);
}

Handler FCVTAU(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Unsigned, FPRounding::TieAway>(word, insn);
}

Handler FCVTZU_fixed(std::uint32_t word, Insn& insn)
{
    return to_general<Sign::Unsigned, FPRounding::Zero>(word, insn);
}

Handler FMOV_to_general(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.rd = destination(insn.rd);
    switch (moved(word)) {
    case Moved::Single:
        return handler(
            [](State& s, const Insn& in) { s.x[in.rd] = lanes_of<std::uint32_t>(s.v[in.rn])[0]; });
    case Moved::Double:
        return handler([](State& s, const Insn& in) { s.x[in.rd] = s.v[in.rn].d[0]; });
    case Moved::Top: return handler([](State& s, const Insn& in) { s.x[in.rd] = s.v[in.rn].d[1]; });
    case Moved::Nothing: break;
    }
    return nullptr;
}

Handler FMOV_from_general(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.rn = source(insn.rn);
    switch (moved(word)) {
    case Moved::Single:
        return handler([](State& s, const Insn& in) {
            s.v[in.rd] = {{static_cast<std::uint32_t>(s.x[in.rn]), 0}};
        });
    case Moved::Double:
        return handler([](State& s, const Insn& in) { s.v[in.rd] = {{s.x[in.rn], 0}}; });
    case Moved::Top: return handler([](State& s, const Insn& in) { s.v[in.rd].d[1] = s.x[in.rn]; });
    case Moved::Nothing: break;
    }
    return nullptr;
}

Handler FJCVTZS(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.rd = destination(insn.rd);
    return handler([](State& state, const Insn& in) {
        FpEnv env = fp_env(state);
        bool exact = false;
        state.x[in.rd] = FPToFixedJS(state.v[in.rn].d[0], exact, env);
        state.nzcv = exact ? 1u << 30 : 0;
    });
}

}  // namespace gh::cpu
