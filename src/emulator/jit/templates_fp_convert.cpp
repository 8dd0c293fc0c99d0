// SPDX-License-Identifier: BSD-3-Clause
// Conversions of scalars between formats, and to and from integers (DDI 0487 C4.1.97). Integers out
// of range, fixed point, half precision and rounding away from zero are the handlers'.
#include "emulator/jit/fp_operations.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using x86::xmm0;

/// Between singles and doubles.
bool convert_format(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const auto from = bits(word, 22, 2);
    const auto to = bits(word, 15, 2);
    if (from > 1 || to > 1)
        return call_quietly(e, item);
    if (to == 1) {
        const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
        const x86::Xmm n = e.read_vector(vn(word));
        e.vucomiss(n, n);
        e.jp(slow);
        e.vcvtss2sd(xmm0, n, n);
    } else {
        const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
        const x86::Xmm n = e.read_vector(vn(word));
        e.vcvtsd2ss(xmm0, n, n);
        check_scalar(e, slow, false, Result::Product);
    }
    write_scalar(e, item, to == 1);
    e.slow_path_returns_here();
    return true;
}

// ---- From integers

/// xmm0 = the integer in `from` as a number; of all conversions only that of 32 bits to a double
/// is always exact.
void to_number(Emitter& e, const x86::Gp& from, bool wide_number)
{
    e.vpxor(xmm0, xmm0, xmm0);
    if (wide_number)
        e.vcvtsi2sd(xmm0, xmm0, from);
    else
        e.vcvtsi2ss(xmm0, xmm0, from);
}

bool signed_from_general(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = cpu::is_wide(word);
    const bool exact = !wide && is_double(word);
    if (!exact)
        begin_fp(e, item, Emitter::Slow::Full, {});
    to_number(e, e.read(cpu::rn_of(word), x86::rcx, wide), is_double(word));
    write_scalar(e, item, is_double(word));
    if (!exact)
        e.slow_path_returns_here();
    return true;
}

/// As a signed doubleword, which holds all but large ones.
bool unsigned_from_general(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = cpu::is_wide(word);
    const bool exact = !wide && is_double(word);
    if (exact) {
        e.load(x86::rcx, cpu::rn_of(word), false);
    } else {
        const Label slow = begin_fp(e, item, Emitter::Slow::Full, {});
        e.load(x86::rcx, cpu::rn_of(word), wide);
        if (wide) {
            e.test(x86::rcx, x86::rcx);
            e.js(slow);
        }
    }
    to_number(e, x86::rcx, is_double(word));
    write_scalar(e, item, is_double(word));
    if (!exact)
        e.slow_path_returns_here();
    return true;
}

/// SCVTF, UCVTF of a V register's lane. Wide lanes give doubles, others singles.
template <bool kSigned>
bool from_lane(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {});
    e.mov(sized(x86::rcx, wide), e.vector_lane(vn(word), scalar_size(word), 0));
    if (!kSigned && wide) {
        e.test(x86::rcx, x86::rcx);
        e.js(slow);
    }
    to_number(e, sized(x86::rcx, wide || !kSigned), wide);
    write_scalar(e, item, wide);
    e.slow_path_returns_here();
    return true;
}

// ---- To integers. VCVTTSD2SI answers with the smallest integer where it has none.

void round(Emitter& e, const Item& item, unsigned mode)
{
    const x86::Xmm n = e.read_vector(vn(item.word));
    e.emit(is_double(item.word) ? Inst::kIdVroundsd : Inst::kIdVroundss, xmm0, n, n, Imm(mode));
}

void convert(Emitter& e, const Item& item, const x86::Gp& to, const x86::Xmm& from)
{
    if (is_double(item.word))
        e.vcvttsd2si(to, from);
    else
        e.vcvttss2si(to, from);
}

/// `to` = the number in rn, rounded by VROUNDSD's mode, as a signed integer; leaves for the slow
/// path if that has no room.
void to_signed_integer(Emitter& e, const Item& item, const Label& slow, const x86::Gp& to,
                       unsigned mode)
{
    if (mode == kToZero) {
        convert(e, item, to, e.read_vector(vn(item.word)));
    } else {
        round(e, item, mode | kQuietly);
        convert(e, item, to, xmm0);
    }
    e.cmp(to, 1);  // overflows for the smallest
    e.jo(slow);
    if (mode != kToZero)
        round(e, item, mode);  // says that it is inexact
}

/// The same unsigned, in rcx and of 64 bits if `wide`, by way of a signed doubleword, which holds
/// all but large ones.
void to_unsigned_integer(Emitter& e, const Item& item, const Label& slow, bool wide, unsigned mode)
{
    round(e, item, mode | kQuietly);
    convert(e, item, x86::rcx, xmm0);
    if (wide) {
        e.test(x86::rcx, x86::rcx);
        e.js(slow);
    } else {
        e.mov(x86::eax, x86::ecx);
        e.cmp(x86::rax, x86::rcx);
        e.jne(slow);
    }
    round(e, item, mode);
}

template <unsigned kMode>
bool to_signed(Emitter& e, const Item& item)
{
    const bool wide = cpu::is_wide(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Full, {vn(item.word)});
    const x86::Gp to = sized(x86::rcx, wide);
    to_signed_integer(e, item, slow, to, kMode);
    e.write(cpu::rd_of(item.word), to);
    e.slow_path_returns_here();
    return true;
}

template <unsigned kMode>
bool to_unsigned(Emitter& e, const Item& item)
{
    const bool wide = cpu::is_wide(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Full, {vn(item.word)});
    to_unsigned_integer(e, item, slow, wide, kMode);
    e.write(cpu::rd_of(item.word), sized(x86::rcx, wide));
    e.slow_path_returns_here();
    return true;
}

/// FCVTZS, FCVTZU into a V register's lane of the same width.
template <bool kSigned>
bool to_lane(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const bool wide = is_double(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    if (kSigned)
        to_signed_integer(e, item, slow, sized(x86::rcx, wide), kToZero);
    else
        to_unsigned_integer(e, item, slow, wide, kToZero);
    if (wide)
        e.vmovq(xmm0, x86::rcx);
    else
        e.vmovd(xmm0, x86::ecx);
    e.write_vector(vd(word), xmm0);
    e.slow_path_returns_here();
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::FCVT, {convert_format, kPlain}},           {cpu::SCVTF, {signed_from_general, kPlain}},
    {cpu::UCVTF, {unsigned_from_general, kPlain}},   {cpu::SCVTF_scalar, {from_lane<true>, kPlain}},
    {cpu::UCVTF_scalar, {from_lane<false>, kPlain}}, {cpu::FCVTZS, {to_signed<kToZero>, kPlain}},
    {cpu::FCVTNS, {to_signed<kNearest>, kPlain}},    {cpu::FCVTMS, {to_signed<kDown>, kPlain}},
    {cpu::FCVTPS, {to_signed<kUp>, kPlain}},         {cpu::FCVTZU, {to_unsigned<kToZero>, kPlain}},
    {cpu::FCVTNU, {to_unsigned<kNearest>, kPlain}},  {cpu::FCVTMU, {to_unsigned<kDown>, kPlain}},
    {cpu::FCVTPU, {to_unsigned<kUp>, kPlain}},       {cpu::FCVTZS_scalar, {to_lane<true>, kPlain}},
    {cpu::FCVTZU_scalar, {to_lane<false>, kPlain}},
};

}  // namespace

std::span<const TemplateRow> fp_convert_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
