// SPDX-License-Identifier: BSD-3-Clause
// FEAT_DotProd and FEAT_FCMA: Advanced SIMD three-register extension (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

/// Every 32-bit lane of rd gains the products of four bytes of rn with four of rm: of the same
/// lane, or of lane insn.ra for all.
template <class Byte, bool ByElement>
constexpr auto kDot = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        const auto n = lanes_of<Byte>(state.v[insn.rn]);
        const auto m = lanes_of<Byte>(state.v[insn.rm]);
        const auto d = lanes_of<T>(state.v[insn.rd]);
        Lanes<T> result{};
        for (unsigned i = 0; i < N; ++i) {
            result[i] = d[i];
            for (unsigned k = 0; k < 4; ++k)
                result[i] += static_cast<T>(n[4 * i + k] * m[4 * (ByElement ? insn.ra : i) + k]);
        }
        state.v[insn.rd] = vreg_of<T>(result);
    });
};

template <class Byte>
Handler dot(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return UnsignedS::of_size(2, bit(word, 30), kDot<Byte, false>);
}

/// The lane H:L of 32 bits, where fields have them that name an element.
void set_element(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.ra = static_cast<std::uint8_t>(field(word, 11, 1) << 1 | field(word, 21, 1));
}

template <class Byte>
Handler dot_element(std::uint32_t word, Insn& insn)
{
    set_element(word, insn);
    return UnsignedS::of_size(2, bit(word, 30), kDot<Byte, true>);
}

/// rd += rn times rm turned by Quarters * 90 degrees, by half of the terms: those of rn's real part
/// (even quarters) or of its imaginary part (odd ones). Two of them make a product. ByElement: all
/// with the pair insn.ra of rm.
template <unsigned Quarters, bool ByElement>
constexpr auto kComplexMulAdd = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        constexpr unsigned kPart = Quarters % 2;
        FpEnv env = fp_env(state);
        const auto n = lanes_of<T>(state.v[insn.rn]);
        const auto m = lanes_of<T>(state.v[insn.rm]);
        const auto d = lanes_of<T>(state.v[insn.rd]);
        Lanes<T> result{};
        for (unsigned i = 0; i < N; i += 2) {
            const unsigned pair = ByElement ? 2u * insn.ra : i;
            const T real = m[pair + kPart];
            const T imaginary = m[pair + 1 - kPart];
            const bool negate_real = Quarters == 1 || Quarters == 2;
            const bool negate_imaginary = Quarters >= 2;
            const T factor = n[i + kPart];
            result[i] = FPMulAdd(d[i], factor, negate_real ? FPNeg(real) : real, env);
            result[i + 1] =
                FPMulAdd(d[i + 1], factor, negate_imaginary ? FPNeg(imaginary) : imaginary, env);
        }
        state.v[insn.rd] = vreg_of<T>(result);
    });
};

/// rd = rn + rm turned by 90 degrees, or by 270.
template <bool Backwards>
constexpr auto kComplexAdd = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        FpEnv env = fp_env(state);
        const auto n = lanes_of<T>(state.v[insn.rn]);
        const auto m = lanes_of<T>(state.v[insn.rm]);
        Lanes<T> result{};
        for (unsigned i = 0; i < N; i += 2) {
            result[i] = FPAdd(n[i], Backwards ? m[i + 1] : FPNeg(m[i + 1]), env);
            result[i + 1] = FPAdd(n[i + 1], Backwards ? FPNeg(m[i]) : m[i], env);
        }
        state.v[insn.rd] = vreg_of<T>(result);
    });
};

}  // namespace

Handler SDOT_vector(std::uint32_t word, Insn& insn)
{
    return dot<std::int8_t>(word, insn);
}

Handler UDOT_vector(std::uint32_t word, Insn& insn)
{
    return dot<std::uint8_t>(word, insn);
}

Handler SDOT_element(std::uint32_t word, Insn& insn)
{
    return dot_element<std::int8_t>(word, insn);
}

Handler UDOT_element(std::uint32_t word, Insn& insn)
{
    return dot_element<std::uint8_t>(word, insn);
}

Handler FCMLA_vector(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    switch (field(word, 11, 2)) {
    case 0: return FpVector::pick(word, kComplexMulAdd<0, false>);
    case 1: return FpVector::pick(word, kComplexMulAdd<1, false>);
    case 2: return FpVector::pick(word, kComplexMulAdd<2, false>);
    default: return FpVector::pick(word, kComplexMulAdd<3, false>);
    }
}

/// Single precision only: pair H of rm (halves would be FEAT_FP16).
Handler FCMLA_element(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.ra = field(word, 11, 1);
    if (!bit(word, 30) || bit(word, 21))
        return nullptr;
    switch (field(word, 13, 2)) {
    case 0: return UnsignedS::of_size(2, true, kComplexMulAdd<0, true>);
    case 1: return UnsignedS::of_size(2, true, kComplexMulAdd<1, true>);
    case 2: return UnsignedS::of_size(2, true, kComplexMulAdd<2, true>);
    default: return UnsignedS::of_size(2, true, kComplexMulAdd<3, true>);
    }
}

Handler FCADD(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return bit(word, 12) ? FpVector::pick(word, kComplexAdd<true>)
                         : FpVector::pick(word, kComplexAdd<false>);
}

}  // namespace gh::cpu
