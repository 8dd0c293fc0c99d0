// SPDX-License-Identifier: BSD-3-Clause
// Scalar floating point (DDI 0487 C4.1.97, "Floating-point data-processing", "compare",
// "conditional select").
#include "emulator/jit/fp_operations.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;

constexpr ByFormat kAddScalar{Inst::kIdVaddss, Inst::kIdVaddsd};
constexpr ByFormat kSubScalar{Inst::kIdVsubss, Inst::kIdVsubsd};
constexpr ByFormat kMulScalar{Inst::kIdVmulss, Inst::kIdVmulsd};
constexpr ByFormat kDivScalar{Inst::kIdVdivss, Inst::kIdVdivsd};
constexpr ByFormat kCompare{Inst::kIdVucomiss, Inst::kIdVucomisd};
bool finish_number(Emitter& e, const Item& item)
{
    write_scalar(e, item, is_double(item.word));
    e.slow_path_returns_here();
    return true;
}

// ---- Arithmetic

template <const ByFormat& kIds, Result kKind>
bool binary(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    e.combine(kIds.at(wide), xmm0, vn(word), vm(word));
    check_scalar(e, slow, wide, kKind);
    return finish_number(e, item);
}

bool negated_product(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    e.combine(kMulScalar.at(wide), xmm0, vn(word), vm(word));
    check_scalar(e, slow, wide, Result::Product);
    e.vpxor(xmm0, xmm0, sign_bits(e, wide));
    return finish_number(e, item);
}

bool absolute_difference(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    e.combine(kSubScalar.at(wide), xmm0, vn(word), vm(word));
    check_scalar(e, slow, wide, Result::Sum);
    e.vpand(xmm0, xmm0, all_but_signs(e, wide));
    return finish_number(e, item);
}

bool square_root(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    const x86::Xmm n = e.read_vector(vn(word));
    e.emit(wide ? Inst::kIdVsqrtsd : Inst::kIdVsqrtss, xmm0, n, n);
    check_scalar(e, slow, wide, Result::Sum);
    return finish_number(e, item);
}

/// rd = ra, rn and rm as `kIds` combine them: ra comes first and is replaced.
template <const ByFormat& kIds>
bool multiply_add(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const unsigned ra = cpu::field5(word, 10);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {ra, vn(item.word), vm(item.word)});
    e.vmovdqa(xmm0, e.read_vector(ra));
    e.combine(kIds.at(wide), xmm0, vn(word), vm(word));
    check_scalar(e, slow, wide, Result::Product);
    return finish_number(e, item);
}

constexpr ByFormat kFmadd{Inst::kIdVfmadd231ss, Inst::kIdVfmadd231sd};
constexpr ByFormat kFmsub{Inst::kIdVfnmadd231ss, Inst::kIdVfnmadd231sd};
constexpr ByFormat kFnmadd{Inst::kIdVfnmsub231ss, Inst::kIdVfnmsub231sd};
constexpr ByFormat kFnmsub{Inst::kIdVfmsub231ss, Inst::kIdVfmsub231sd};

/// The larger or smaller of two numbers. x86 takes the second of equal ones, which differ only as
/// zeros: taken both ways and combined, the right sign wins.
template <bool kMax>
bool extreme(Emitter& e, const Item& item)
{
    constexpr ByFormat kIds{kMax ? Inst::kIdVmaxss : Inst::kIdVminss,
                            kMax ? Inst::kIdVmaxsd : Inst::kIdVminsd};
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    const x86::Xmm n = e.read_vector(vn(word));
    const x86::Xmm m = e.read_vector(vm(word));
    e.emit(kCompare.at(wide), n, m);
    e.jp(slow);
    e.emit(kIds.at(wide), xmm0, n, m);
    e.emit(kIds.at(wide), xmm1, m, n);
    if (kMax)
        e.vpand(xmm0, xmm0, xmm1);
    else
        e.vpor(xmm0, xmm0, xmm1);
    return finish_number(e, item);
}

// ---- Signs and rounding to integral values

bool absolute(Emitter& e, const Item& item)
{
    const bool wide = is_double(item.word);
    e.vpand(xmm0, e.read_vector(vn(item.word)), all_but_signs(e, wide));
    write_scalar(e, item, wide);
    return true;
}

bool negate(Emitter& e, const Item& item)
{
    const bool wide = is_double(item.word);
    e.vpxor(xmm0, e.read_vector(vn(item.word)), sign_bits(e, wide));
    write_scalar(e, item, wide);
    return true;
}

/// Of these only FRINTX says what is inexact.
template <unsigned kMode>
bool round_integral(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    const x86::Xmm n = e.read_vector(vn(word));
    e.emit(kCompare.at(wide), n, n);
    e.jp(slow);
    e.emit(wide ? Inst::kIdVroundsd : Inst::kIdVroundss, xmm0, n, n, Imm(kMode));
    return finish_number(e, item);
}

// ---- Comparisons: VUCOMISD's answer as a number, 1, 0 or -1, has the flags of an integer
// comparison.

void compare_ordered(Emitter& e, const Item& item)
{
    const Label slow = e.need_fp_status(item, Emitter::Slow::Flags);
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const x86::Xmm n = e.read_vector(vn(word));
    const bool with_zero = bits(word, 10, 2) == 0 && bit(word, 3);
    if (with_zero) {
        e.vpxor(xmm1, xmm1, xmm1);
        e.emit(kCompare.at(wide), n, xmm1);
    } else {
        e.emit(kCompare.at(wide), n, e.read_vector(vm(word)));
    }
    e.jp(slow);
    e.seta(x86::al);
    e.sbb(x86::al, 0);
}

bool compare(Emitter& e, const Item& item)
{
    e.read_vector(vn(item.word));
    e.read_vector(vm(item.word));
    compare_ordered(e, item);
    e.flags_made(Carry::Inverted);
    e.slow_path_returns_here();
    return true;
}

bool conditional_compare(Emitter& e, const Item& item)
{
    const auto condition = static_cast<unsigned>(bits(item.word, 12, 4));
    const Label otherwise = e.newLabel();
    const Label done = e.newLabel();
    e.keep_flags();  // for the handler, which looks at the condition itself
    // Before the ways part: both must find the same registers in their homes.
    e.read_vector(vn(item.word));
    e.read_vector(vm(item.word));
    if (condition < 14)
        e.emit(Inst::jccFromCond(x86::negateCond(e.condition(condition))), otherwise);
    compare_ordered(e, item);
    if (condition < 14) {
        e.jmp(done);
        e.bind(otherwise);
        e.set_flags(item.word & 15);
        e.bind(done);
    }
    e.flags_made(Carry::Inverted);
    e.slow_path_returns_here();
    return true;
}

bool conditional_select(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const auto condition = static_cast<unsigned>(bits(word, 12, 4));
    const bool wide = is_double(word);
    const x86::Gp value = sized(x86::rcx, wide);
    e.mov(value, e.vector_lane(condition < 14 ? vm(word) : vn(word), scalar_size(word), 0));
    if (condition < 14)
        e.emit(Inst::cmovccFromCond(e.condition(condition)), value,
               e.vector_lane(vn(word), scalar_size(word), 0));
    if (wide)
        e.vmovq(xmm0, value);
    else
        e.vmovd(xmm0, value);
    e.write_vector(vd(word), xmm0);
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::FADD, {binary<kAddScalar, Result::Sum>, kPlain}},
    {cpu::FSUB, {binary<kSubScalar, Result::Sum>, kPlain}},
    {cpu::FMUL, {binary<kMulScalar, Result::Product>, kPlain}},
    {cpu::FDIV, {binary<kDivScalar, Result::Product>, kPlain}},
    {cpu::FNMUL, {negated_product, kPlain}},
    {cpu::FABD_scalar, {absolute_difference, kPlain}},
    {cpu::FSQRT, {square_root, kPlain}},
    {cpu::FMADD, {multiply_add<kFmadd>, kPlain}},
    {cpu::FMSUB, {multiply_add<kFmsub>, kPlain}},
    {cpu::FNMADD, {multiply_add<kFnmadd>, kPlain}},
    {cpu::FNMSUB, {multiply_add<kFnmsub>, kPlain}},
    {cpu::FMAX, {extreme<true>, kPlain}},
    {cpu::FMAXNM, {extreme<true>, kPlain}},
    {cpu::FMIN, {extreme<false>, kPlain}},
    {cpu::FMINNM, {extreme<false>, kPlain}},
    {cpu::FABS, {absolute, kPlain}},
    {cpu::FNEG, {negate, kPlain}},
    {cpu::FRINTN, {round_integral<kNearest | kQuietly>, kPlain}},
    {cpu::FRINTM, {round_integral<kDown | kQuietly>, kPlain}},
    {cpu::FRINTP, {round_integral<kUp | kQuietly>, kPlain}},
    {cpu::FRINTZ, {round_integral<kToZero | kQuietly>, kPlain}},
    {cpu::FRINTX, {round_integral<kNearest>, kPlain}},
    {cpu::FRINTI, {round_integral<kNearest | kQuietly>, kPlain}},
    {cpu::FCMP, {compare, kSetsFlags}},
    {cpu::FCCMP, {conditional_compare, kBoth}},
    {cpu::FCSEL, {conditional_select, kReadsFlags}},
};

}  // namespace

std::span<const TemplateRow> fp_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
