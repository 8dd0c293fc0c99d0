// SPDX-License-Identifier: BSD-3-Clause
// Shifts (DDI 0487 C4.1.97, "Advanced SIMD shift by immediate", SSHL and USHL).
#include "emulator/jit/templates.h"
#include "emulator/jit/vector_operations.h"

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;
using x86::xmm2;

template <bool kSigned, bool kRounds, bool kAccumulates>
bool right(Emitter& e, const Item& item)
{
    const Shift shift(item.word);
    copy_vector(e, xmm0, vn(item.word));
    if (kRounds)
        shift_right_rounded(e, shift.log2_size, shift.right(), kSigned);
    else
        shift_right(e, shift.log2_size, shift.right(), kSigned);
    if (kAccumulates)
        e.emit(kAdd.at(shift.log2_size), xmm0, xmm0, e.read_vector(vd(item.word)));
    return finish(e, item);
}

bool left(Emitter& e, const Item& item)
{
    const Shift shift(item.word);
    copy_vector(e, xmm0, vn(item.word));
    shift_left(e, shift.log2_size, shift.left());
    return finish(e, item);
}

/// SLI, SRI: rd keeps the bits that the shift leaves empty.
template <bool kLeft>
bool insert(Emitter& e, const Item& item)
{
    const Shift shift(item.word);
    const std::uint64_t ones = ~std::uint64_t{0} >> (64 - shift.width());
    std::uint64_t kept = 0;
    copy_vector(e, xmm0, vn(item.word));
    if (kLeft) {
        shift_left(e, shift.log2_size, shift.left());
        kept = (std::uint64_t{1} << shift.left()) - 1;
    } else {
        shift_right(e, shift.log2_size, shift.right(), false);
        kept = shift.right() == shift.width() ? ones : ones & ~(ones >> shift.right());
    }
    e.vmovdqa(xmm1, lanes_literal(e, kept, shift.log2_size));
    e.vpand(xmm1, xmm1, e.read_vector(vd(item.word)));
    e.vpor(xmm0, xmm0, xmm1);
    return finish(e, item);
}

template <bool kSigned>
bool lengthen(Emitter& e, const Item& item)
{
    const Shift shift(item.word);
    widen(e, xmm0, vn(item.word), shift.log2_size, bit(item.word, 30), kSigned);
    if (shift.left() != 0)
        shift_left(e, shift.log2_size + 1, shift.left());
    e.write_vector(vd(item.word), xmm0);
    return true;
}

/// SHLL: by the lane's width.
bool lengthen_by_width(Emitter& e, const Item& item)
{
    const unsigned size = lane_size(item.word);
    widen(e, xmm0, vn(item.word), size, bit(item.word, 30), false);
    shift_left(e, size + 1, 8u << size);
    e.write_vector(vd(item.word), xmm0);
    return true;
}

template <bool kRounds>
bool shift_right_narrow(Emitter& e, const Item& item)
{
    const Shift shift(item.word);
    const unsigned wide = shift.log2_size + 1;
    copy_vector(e, xmm0, vn(item.word));
    if (kRounds)
        e.emit(kAdd.at(wide), xmm0, xmm0,
               lanes_literal(e, std::uint64_t{1} << (shift.right() - 1), wide));
    shift_right(e, wide, shift.right(), false);
    return finish_narrow(e, item, shift.log2_size);
}

bool extract_narrow(Emitter& e, const Item& item)
{
    copy_vector(e, xmm0, vn(item.word));
    return finish_narrow(e, item, lane_size(item.word));
}

/// By the signed low byte of each lane of rm, to the left or, if negative, to the right. Amounts
/// out of range shift all out, which AVX2 does alike.
template <bool kSigned>
bool by_register(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    if (size < 2 || (kSigned && size == 3))
        return call_quietly(e, item);
    const bool wide = size == 3;
    const x86::Xmm m = e.read_vector(vm(word));
    // The amount, without sign: to the left as it is, to the right negated; both modulo 256.
    e.vpxor(xmm2, xmm2, xmm2);
    e.emit(kSub.at(size), xmm2, xmm2, m);
    e.vpand(xmm1, m, lanes_literal(e, 0xff, size));
    e.vpand(xmm2, xmm2, lanes_literal(e, 0xff, size));
    const x86::Xmm n = e.read_vector(vn(word));
    if (!kSigned) {
        // From 128 on an amount is the other's business and shifts all out here.
        e.emit(wide ? Inst::kIdVpsrlvq : Inst::kIdVpsrlvd, xmm2, n, xmm2);
        e.emit(wide ? Inst::kIdVpsllvq : Inst::kIdVpsllvd, xmm0, n, xmm1);
        e.vpor(xmm0, xmm0, xmm2);
        return finish(e, item);
    }
    e.vpsravd(xmm2, n, xmm2);
    e.vpsllvd(xmm0, n, xmm1);
    e.vpslld(xmm1, xmm1, 24);
    e.vblendvps(xmm0, xmm0, xmm2, xmm1);
    return finish(e, item);
}

constexpr TemplateRow kRows[]{
    {cpu::SSHR_vector, {right<true, false, false>, kPlain}},
    {cpu::SSHR_scalar, {right<true, false, false>, kPlain}},
    {cpu::SSRA_vector, {right<true, false, true>, kPlain}},
    {cpu::SSRA_scalar, {right<true, false, true>, kPlain}},
    {cpu::SRSHR_vector, {right<true, true, false>, kPlain}},
    {cpu::SRSHR_scalar, {right<true, true, false>, kPlain}},
    {cpu::SRSRA_vector, {right<true, true, true>, kPlain}},
    {cpu::SRSRA_scalar, {right<true, true, true>, kPlain}},
    {cpu::USHR_vector, {right<false, false, false>, kPlain}},
    {cpu::USHR_scalar, {right<false, false, false>, kPlain}},
    {cpu::USRA_vector, {right<false, false, true>, kPlain}},
    {cpu::USRA_scalar, {right<false, false, true>, kPlain}},
    {cpu::URSHR_vector, {right<false, true, false>, kPlain}},
    {cpu::URSHR_scalar, {right<false, true, false>, kPlain}},
    {cpu::URSRA_vector, {right<false, true, true>, kPlain}},
    {cpu::URSRA_scalar, {right<false, true, true>, kPlain}},
    {cpu::SHL_vector, {left, kPlain}},
    {cpu::SHL_scalar, {left, kPlain}},
    {cpu::SLI_vector, {insert<true>, kPlain}},
    {cpu::SLI_scalar, {insert<true>, kPlain}},
    {cpu::SRI_vector, {insert<false>, kPlain}},
    {cpu::SRI_scalar, {insert<false>, kPlain}},
    {cpu::SSHLL, {lengthen<true>, kPlain}},
    {cpu::USHLL, {lengthen<false>, kPlain}},
    {cpu::SHLL, {lengthen_by_width, kPlain}},
    {cpu::SHRN, {shift_right_narrow<false>, kPlain}},
    {cpu::RSHRN, {shift_right_narrow<true>, kPlain}},
    {cpu::XTN, {extract_narrow, kPlain}},
    {cpu::SSHL_vector, {by_register<true>, kPlain}},
    {cpu::SSHL_scalar, {by_register<true>, kPlain}},
    {cpu::USHL_vector, {by_register<false>, kPlain}},
    {cpu::USHL_scalar, {by_register<false>, kPlain}},
};

}  // namespace

std::span<const TemplateRow> simd_shift_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
