// SPDX-License-Identifier: BSD-3-Clause
// Saturating arithmetic, and halves of sums (DDI 0487 C4.1.97, "Advanced SIMD three same",
// "two-register miscellaneous", "shift by immediate", "vector x indexed element"). Scalars and
// doublewords are left to handlers.
#include "emulator/cpu/softfloat.h"
#include "emulator/jit/templates.h"
#include "emulator/jit/vector_operations.h"

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;
using x86::xmm2;
using x86::xmm3;

/// Sets FPSR.QC if xmm0 has not become what xmm1 has, its low half only if not `full`. Once it is
/// set nothing need be found out. Spoils xmm3 and EFLAGS.
void note_saturation(Emitter& e, bool full)
{
    constexpr std::uint32_t kQc = cpu::kFpsrQc >> 24;
    const x86::Mem upper_byte = e.state(GH_STATE(fpsr) + 3, 1);
    const Label done = e.newLabel();
    e.test(upper_byte, kQc);
    e.jne(done);
    e.vpxor(xmm3, xmm0, xmm1);
    if (!full)
        e.vmovq(xmm3, xmm3);
    e.vptest(xmm3, xmm3);
    e.je(done);
    e.or_(upper_byte, kQc);
    e.bind(done);
}

// ---- Sums and differences

/// xmm0 = the saturated sum or difference of words, unsigned.
void unsigned_words(Emitter& e, const x86::Xmm& n, const x86::Xmm& m, bool adds)
{
    if (adds) {
        e.vpcmpeqd(xmm0, xmm0, xmm0);
        e.vpxor(xmm0, xmm0, m);
        e.vpminud(xmm0, xmm0, n);
        e.vpaddd(xmm0, xmm0, m);
    } else {
        e.vpmaxud(xmm0, n, m);
        e.vpsubd(xmm0, xmm0, m);
    }
}

/// The same signed, given the wrapped result in xmm1: it went too far where its sign is neither
/// that of n nor that of m, or for differences -m.
void signed_words(Emitter& e, const x86::Xmm& n, const x86::Xmm& m, bool adds)
{
    e.vpxor(xmm0, n, xmm1);
    e.vpxor(xmm2, adds ? xmm1 : n, m);
    e.vpand(xmm2, xmm2, xmm0);
    e.vpsrad(xmm0, n, 31);
    e.vpxor(xmm0, xmm0, lanes_literal(e, 0x7fff'ffff, 2));
    e.vblendvps(xmm0, xmm1, xmm0, xmm2);
}

template <bool kSigned, bool kAdds>
bool saturated_sum(Emitter& e, const Item& item)
{
    constexpr BySize kSaturates{kSigned ? (kAdds ? Inst::kIdVpaddsb : Inst::kIdVpsubsb)
                                        : (kAdds ? Inst::kIdVpaddusb : Inst::kIdVpsubusb),
                                kSigned ? (kAdds ? Inst::kIdVpaddsw : Inst::kIdVpsubsw)
                                        : (kAdds ? Inst::kIdVpaddusw : Inst::kIdVpsubusw),
                                kNone, kNone};
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    if (size == 3)
        return call_quietly(e, item);
    e.spoil_flags(item);
    const x86::Xmm n = e.read_vector(vn(word));
    const x86::Xmm m = e.read_vector(vm(word));
    e.emit((kAdds ? kAdd : kSub).at(size), xmm1, n, m);
    if (size < 2)
        e.emit(kSaturates.at(size), xmm0, n, m);
    else if (kSigned)
        signed_words(e, n, m, kAdds);
    else
        unsigned_words(e, n, m, kAdds);
    note_saturation(e, result_size(word) == 16);
    return finish(e, item);
}

// ---- Narrowing

/// From which lanes to which.
enum class Narrow : std::uint8_t { Signed, Unsigned, SignedToUnsigned };

/// rd = the lanes of xmm1, twice as wide as 1 << log2_size bytes, as near as the narrow ones come.
bool saturate_narrow(Emitter& e, const Item& item, unsigned log2_size, Narrow kind)
{
    const unsigned wide = log2_size + 1;
    const std::uint64_t ones = (std::uint64_t{1} << (8u << log2_size)) - 1;
    e.spoil_flags(item);
    if (kind == Narrow::Unsigned) {
        e.emit(kUnsignedMin.at(wide), xmm0, xmm1, lanes_literal(e, ones, wide));
    } else {
        const bool to_signed = kind == Narrow::Signed;
        const std::uint64_t most = to_signed ? ones >> 1 : ones;
        const std::uint64_t wide_ones = (std::uint64_t{1} << (8u << wide)) - 1;
        e.emit(kSignedMin.at(wide), xmm0, xmm1, lanes_literal(e, most, wide));
        e.emit(kSignedMax.at(wide), xmm0, xmm0,
               lanes_literal(e, to_signed ? wide_ones - most : 0, wide));
    }
    note_saturation(e, true);
    return finish_narrow(e, item, log2_size);
}

template <Narrow kKind>
bool extract_narrow(Emitter& e, const Item& item)
{
    const unsigned size = lane_size(item.word);
    if (size == 2)
        return call_quietly(e, item);
    copy_vector(e, xmm1, vn(item.word));
    return saturate_narrow(e, item, size, kKind);
}

template <Narrow kKind, bool kRounds>
bool shift_right_narrow(Emitter& e, const Item& item)
{
    const Shift shift(item.word);
    if (shift.log2_size == 2)
        return call_quietly(e, item);
    const unsigned wide = shift.log2_size + 1;
    const bool is_signed = kKind != Narrow::Unsigned;
    copy_vector(e, xmm0, vn(item.word));
    if (kRounds && !is_signed && wide == 1) {
        // The average of a number and zero is its rounded half.
        shift_right(e, wide, shift.right() - 1, false);
        e.vpxor(xmm1, xmm1, xmm1);
        e.vpavgw(xmm0, xmm0, xmm1);
    } else if (kRounds) {
        shift_right_rounded(e, wide, shift.right(), is_signed);
    } else {
        shift_right(e, wide, shift.right(), is_signed);
    }
    e.vmovdqa(xmm1, xmm0);
    return saturate_narrow(e, item, shift.log2_size, kKind);
}

// ---- Doubled products' upper halves

/// xmm1 = upper halves of the doubled products of halfwords, rounded or cut.
void doubled_halfwords(Emitter& e, const x86::Xmm& n, const x86::Xmm& m, bool rounds)
{
    if (rounds) {
        e.vpmulhrsw(xmm1, n, m);
        return;
    }
    e.vpmulhw(xmm1, n, m);
    e.vpmullw(xmm0, n, m);
    e.vpsllw(xmm1, xmm1, 1);
    e.vpsrlw(xmm0, xmm0, 15);
    e.vpor(xmm1, xmm1, xmm0);
}

/// The same of words: the even ones, and shifted down the odd ones.
void doubled_words(Emitter& e, const x86::Xmm& n, const x86::Xmm& m, bool rounds)
{
    e.vpmuldq(xmm1, n, m);
    e.vpsrlq(xmm0, n, 32);
    e.vpsrlq(xmm3, m, 32);
    e.vpmuldq(xmm0, xmm0, xmm3);
    if (rounds) {
        const x86::Mem half = lanes_literal(e, 1u << 30, 3);
        e.vpaddq(xmm1, xmm1, half);
        e.vpaddq(xmm0, xmm0, half);
    }
    e.vpsrlq(xmm1, xmm1, 31);
    e.vpsllq(xmm0, xmm0, 1);
    e.vpblendd(xmm1, xmm1, xmm0, 0b1010);
}

/// SQDMULH, SQRDMULH by a register or, where the handler's operands say which, an element.
template <bool kRounds, bool kElement>
bool doubled_product(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    e.spoil_flags(item);
    if (kElement)
        broadcast_element(e, xmm2, item, size);
    const x86::Xmm n = e.read_vector(vn(word));
    const x86::Xmm m = kElement ? xmm2 : e.read_vector(vm(word));
    if (size == 1)
        doubled_halfwords(e, n, m, kRounds);
    else
        doubled_words(e, n, m, kRounds);
    // Only the square of the smallest number is too large, and comes out as that number.
    e.emit(kEqual.at(size), xmm0, xmm1, lanes_literal(e, size == 1 ? 0x8000 : 0x8000'0000, size));
    e.vpxor(xmm0, xmm0, xmm1);
    note_saturation(e, result_size(word) == 16);
    return finish(e, item);
}

// ---- Halves of sums, which do not overflow: what both have, and half of what one has.

template <bool kSigned>
bool half_sum(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    e.combine(Inst::kIdVpxor, xmm0, vn(word), vm(word));
    shift_right(e, size, 1, kSigned);
    e.combine(Inst::kIdVpand, xmm1, vn(word), vm(word));
    e.emit(kAdd.at(size), xmm0, xmm0, xmm1);
    return finish(e, item);
}

/// SRHADD: what one of them has, without half of what only one has.
bool rounded_half_sum(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    e.combine(Inst::kIdVpxor, xmm0, vn(word), vm(word));
    shift_right(e, size, 1, true);
    e.combine(Inst::kIdVpor, xmm1, vn(word), vm(word));
    e.emit(kSub.at(size), xmm0, xmm1, xmm0);
    return finish(e, item);
}

/// (n - m) / 2: n ^ m is n - m and twice what only m has.
template <bool kSigned>
bool half_difference(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    e.combine(Inst::kIdVpxor, xmm0, vn(word), vm(word));
    shift_right(e, size, 1, kSigned);
    e.combine(Inst::kIdVpandn, xmm1, vn(word), vm(word));
    e.emit(kSub.at(size), xmm0, xmm0, xmm1);
    return finish(e, item);
}

constexpr TemplateRow kRows[]{
    {cpu::SQADD_vector, {saturated_sum<true, true>, kPlain}},
    {cpu::SQSUB_vector, {saturated_sum<true, false>, kPlain}},
    {cpu::UQADD_vector, {saturated_sum<false, true>, kPlain}},
    {cpu::UQSUB_vector, {saturated_sum<false, false>, kPlain}},
    {cpu::SQXTN_vector, {extract_narrow<Narrow::Signed>, kPlain}},
    {cpu::UQXTN_vector, {extract_narrow<Narrow::Unsigned>, kPlain}},
    {cpu::SQXTUN_vector, {extract_narrow<Narrow::SignedToUnsigned>, kPlain}},
    {cpu::SQSHRN_vector, {shift_right_narrow<Narrow::Signed, false>, kPlain}},
    {cpu::SQRSHRN_vector, {shift_right_narrow<Narrow::Signed, true>, kPlain}},
    {cpu::UQSHRN_vector, {shift_right_narrow<Narrow::Unsigned, false>, kPlain}},
    {cpu::UQRSHRN_vector, {shift_right_narrow<Narrow::Unsigned, true>, kPlain}},
    {cpu::SQSHRUN_vector, {shift_right_narrow<Narrow::SignedToUnsigned, false>, kPlain}},
    {cpu::SQRSHRUN_vector, {shift_right_narrow<Narrow::SignedToUnsigned, true>, kPlain}},
    {cpu::SQDMULH_vector, {doubled_product<false, false>, kPlain}},
    {cpu::SQRDMULH_vector, {doubled_product<true, false>, kPlain}},
    {cpu::SQDMULH_element, {doubled_product<false, true>, kPlain}},
    {cpu::SQRDMULH_element, {doubled_product<true, true>, kPlain}},
    {cpu::SHADD, {half_sum<true>, kPlain}},
    {cpu::UHADD, {half_sum<false>, kPlain}},
    {cpu::SRHADD, {rounded_half_sum, kPlain}},
    {cpu::SHSUB, {half_difference<true>, kPlain}},
    {cpu::UHSUB, {half_difference<false>, kPlain}},
};

}  // namespace

std::span<const TemplateRow> simd_saturate_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
