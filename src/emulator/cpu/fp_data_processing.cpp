// SPDX-License-Identifier: BSD-3-Clause
// Floating-point data processing, compare, conditional select and immediate (DDI 0487, C4.1).
#include "emulator/cpu/fp_immediate.h"
#include "emulator/cpu/simd_handlers.h"
#include "emulator/cpu/simd_operations.h"

namespace gh::cpu {
namespace {

/// Makes handlers of rd = op(ra, rn, rm).
template <class Op>
Handler ternary(std::uint32_t word, Insn& insn, Op)
{
    set_operands(word, insn);
    return FpType::pick(word, []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& in) {
            FpEnv env = fp_env(state);
            const T a = lanes_of<T>(state.v[in.ra])[0];
            const T n = lanes_of<T>(state.v[in.rn])[0];
            const T m = lanes_of<T>(state.v[in.rm])[0];
            state.v[in.rd] = vreg_of<T>({Op{}(a, n, m, env)});
        });
    });
}

template <class T, bool SignalNans>
std::uint32_t compare(State& state, T op1, T op2)
{
    FpEnv env = fp_env(state);
    return FPCompare(op1, op2, SignalNans, env);
}

template <bool SignalNans, bool WithZero>
constexpr auto kCompare = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        const T op1 = lanes_of<T>(state.v[insn.rn])[0];
        const T op2 = WithZero ? T{0} : lanes_of<T>(state.v[insn.rm])[0];
        state.nzcv = compare<T, SignalNans>(state, op1, op2);
    });
};

/// insn.imm has the condition_mask() in bits 15:0.
bool condition_holds(const State& state, const Insn& insn)
{
    return bit(insn.imm, state.nzcv >> 28);
}

/// Where the condition fails, the flags are bits 31:28 of insn.imm.
template <bool SignalNans>
constexpr auto kConditionalCompare = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        if (!condition_holds(state, insn)) {
            state.nzcv = insn.imm & (kN | kZ | kC | kV);
            return;
        }
        state.nzcv = compare<T, SignalNans>(state, lanes_of<T>(state.v[insn.rn])[0],
                                            lanes_of<T>(state.v[insn.rm])[0]);
    });
};

constexpr auto kSelect = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        const unsigned chosen = condition_holds(state, insn) ? insn.rn : insn.rm;
        state.v[insn.rd] = vreg_of<T>({lanes_of<T>(state.v[chosen])[0]});
    });
};

constexpr auto kImmediate = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        state.v[insn.rd] = vreg_of<T>({VFPExpandImm<T>(insn.imm)});
    });
};

template <class To, class From>
Handler convert()
{
    return handler([](State& state, const Insn& insn) {
        FpEnv env = fp_env(state);
        const From source = lanes_of<From>(state.v[insn.rn])[0];
        state.v[insn.rd] = vreg_of<To>({FPConvert<To>(source, env.rounding(), env)});
    });
}

}  // namespace

Handler FMOV_register(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, [](auto a) { return a; });
}

Handler FABS(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, [](auto a) { return FPAbs(a); });
}

Handler FNEG(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, [](auto a) { return FPNeg(a); });
}

Handler FSQRT(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, [](auto a, FpEnv& env) { return FPSqrt(a, env); });
}

Handler FRINTN(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, kRoundInt<FPRounding::TieEven>);
}

Handler FRINTP(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, kRoundInt<FPRounding::PosInf>);
}

Handler FRINTM(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, kRoundInt<FPRounding::NegInf>);
}

Handler FRINTZ(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, kRoundInt<FPRounding::Zero>);
}

Handler FRINTA(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, kRoundInt<FPRounding::TieAway>);
}

Handler FRINTX(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, kRoundIntExact);
}

Handler FRINTI(std::uint32_t word, Insn& insn)
{
    return unary<FpType>(word, insn, kRoundIntCurrent);
}

Handler FMUL(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpMul);
}

Handler FDIV(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpDiv);
}

Handler FADD(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpAdd);
}

Handler FSUB(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpSub);
}

Handler FMAX(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpMax);
}

Handler FMIN(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpMin);
}

Handler FMAXNM(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpMaxNum);
}

Handler FMINNM(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn, kFpMinNum);
}

Handler FNMUL(std::uint32_t word, Insn& insn)
{
    return binary<FpType>(word, insn,
                          [](auto a, auto b, FpEnv& env) { return FPNeg(FPMul(a, b, env)); });
}

Handler FMADD(std::uint32_t word, Insn& insn)
{
    return ternary(word, insn,
                   [](auto a, auto n, auto m, FpEnv& env) { return FPMulAdd(a, n, m, env); });
}

Handler FMSUB(std::uint32_t word, Insn& insn)
{
    return ternary(word, insn, [](auto a, auto n, auto m, FpEnv& env) {
        return FPMulAdd(a, FPNeg(n), m, env);
    });
}

Handler FNMADD(std::uint32_t word, Insn& insn)
{
    return ternary(word, insn, [](auto a, auto n, auto m, FpEnv& env) {
        return FPMulAdd(FPNeg(a), FPNeg(n), m, env);
    });
}

Handler FNMSUB(std::uint32_t word, Insn& insn)
{
    return ternary(word, insn, [](auto a, auto n, auto m, FpEnv& env) {
        return FPMulAdd(FPNeg(a), n, m, env);
    });
}

Handler FCVT(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    constexpr unsigned kSingle = 0;
    constexpr unsigned kDouble = 1;
    constexpr unsigned kHalf = 3;
    switch (field(word, 22, 2) << 2 | field(word, 15, 2)) {
    case kSingle << 2 | kDouble: return convert<std::uint64_t, std::uint32_t>();
    case kSingle << 2 | kHalf: return convert<std::uint16_t, std::uint32_t>();
    case kDouble << 2 | kSingle: return convert<std::uint32_t, std::uint64_t>();
    case kDouble << 2 | kHalf: return convert<std::uint16_t, std::uint64_t>();
    case kHalf << 2 | kSingle: return convert<std::uint32_t, std::uint16_t>();
    case kHalf << 2 | kDouble: return convert<std::uint64_t, std::uint16_t>();
    default: return nullptr;
    }
}

Handler FCMP(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    switch (field(word, 3, 2)) {
    case 0: return FpType::pick(word, kCompare<false, false>);
    case 1: return FpType::pick(word, kCompare<false, true>);
    case 2: return FpType::pick(word, kCompare<true, false>);
    default: return FpType::pick(word, kCompare<true, true>);
    }
}

Handler FCCMP(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = word << 28 | condition_mask(field(word, 12, 4));
    return bit(word, 4) ? FpType::pick(word, kConditionalCompare<true>)
                        : FpType::pick(word, kConditionalCompare<false>);
}

Handler FCSEL(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = condition_mask(field(word, 12, 4));
    return FpType::pick(word, kSelect);
}

Handler FMOV_imm(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = field(word, 13, 8);
    return FpType::pick(word, kImmediate);
}

}  // namespace gh::cpu
