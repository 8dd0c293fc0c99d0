// SPDX-License-Identifier: BSD-3-Clause
// Lane by lane: sums, comparisons, products, logic (DDI 0487 C4.1.97, "Advanced SIMD three same",
// "two-register miscellaneous", "vector x indexed element"). What AVX2 lacks is left to handlers.
#include "emulator/jit/templates.h"
#include "emulator/jit/vector_operations.h"

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;
using x86::xmm2;

/// rd = rn `kIds` rm
template <const BySize& kIds>
bool three_same(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    e.combine(kIds.at(lane_size(word)), xmm0, vn(word), vm(word));
    return finish(e, item);
}

// ---- Comparisons make lanes of ones or zeros.

bool compare_greater(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    e.combine(kGreater.at(lane_size(word)), xmm0, vn(word), vm(word));
    return finish(e, item);
}

bool compare_greater_equal(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    e.combine(kGreater.at(lane_size(word)), xmm0, vm(word), vn(word));
    invert(e, xmm0, xmm1);
    return finish(e, item);
}

/// Unsigned comparison by the larger of both, or of doublewords with the sign bits flipped.
template <bool kOrEqual>
bool compare_unsigned(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    // n >= m if max(n, m) is n; n > m unless max(n, m) is m.
    const unsigned winner = kOrEqual ? vn(word) : vm(word);
    const unsigned other = kOrEqual ? vm(word) : vn(word);
    if (size == 3) {
        const x86::Mem signs = lanes_literal(e, std::uint64_t{1} << 63, 3);
        const x86::Xmm second = e.read_vector(other);
        e.vpxor(xmm0, second, signs);
        const x86::Xmm first = e.read_vector(winner);
        e.vpxor(xmm1, first, signs);
        e.vpcmpgtq(xmm0, xmm0, xmm1);  // other > winner
        if (kOrEqual)
            invert(e, xmm0, xmm1);
        return finish(e, item);
    }
    e.combine(kUnsignedMax.at(size), xmm0, other, winner);
    e.emit(kEqual.at(size), xmm0, xmm0, e.read_vector(winner));
    if (!kOrEqual)
        invert(e, xmm0, xmm1);
    return finish(e, item);
}

bool compare_test(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    e.combine(Inst::kIdVpand, xmm0, vn(word), vm(word));
    e.vpxor(xmm1, xmm1, xmm1);
    e.emit(kEqual.at(lane_size(word)), xmm0, xmm0, xmm1);
    invert(e, xmm0, xmm1);
    return finish(e, item);
}

enum class Zero { Equal, Greater, GreaterEqual, Less, LessEqual };

template <Zero kWhat>
bool compare_zero(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    e.vpxor(xmm1, xmm1, xmm1);
    if (kWhat == Zero::Equal)
        e.emit(kEqual.at(size), xmm0, xmm1, e.read_vector(vn(word)));
    else if (kWhat == Zero::Less || kWhat == Zero::GreaterEqual)
        e.emit(kGreater.at(size), xmm0, xmm1, e.read_vector(vn(word)));
    else
        e.emit(kGreater.at(size), xmm0, e.read_vector(vn(word)), xmm1);
    if (kWhat == Zero::GreaterEqual || kWhat == Zero::LessEqual)
        invert(e, xmm0, xmm1);
    return finish(e, item);
}

// ---- Differences and products

/// |n - m|: the larger less the smaller; added to rd if `kAccumulates`.
template <const BySize& kMax, const BySize& kMin, bool kAccumulates>
bool absolute_difference(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    const x86::Xmm n = e.read_vector(vn(word));
    e.emit(kMax.at(size), xmm0, n, e.read_vector(vm(word)));
    e.emit(kMin.at(size), xmm1, n, e.read_vector(vm(word)));
    e.emit(kSub.at(size), xmm0, xmm0, xmm1);
    if (kAccumulates)
        e.emit(kAdd.at(size), xmm0, xmm0, e.read_vector(vd(word)));
    return finish(e, item);
}

enum class Accumulate { No, Add, Subtract };

/// rd = xmm0, rd + xmm0 or rd - xmm0.
template <Accumulate kHow>
bool accumulate(Emitter& e, const Item& item, unsigned size)
{
    if (kHow == Accumulate::Add)
        e.emit(kAdd.at(size), xmm0, xmm0, e.read_vector(vd(item.word)));
    if (kHow == Accumulate::Subtract)
        e.emit(kSub.at(size), xmm0, e.read_vector(vd(item.word)), xmm0);
    return finish(e, item);
}

template <Accumulate kHow>
bool multiply_vector(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    copy_vector(e, xmm0, vn(word));
    copy_vector(e, xmm1, vm(word));
    multiply(e, lane_size(word));
    return accumulate<kHow>(e, item, lane_size(word));
}

template <Accumulate kHow>
bool multiply_element(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    broadcast_element(e, xmm1, item, size);
    copy_vector(e, xmm0, vn(word));
    multiply(e, size);
    return accumulate<kHow>(e, item, size);
}

/// (n + m + 1) / 2, which x86 has as the average.
bool rounded_average(Emitter& e, const Item& item)
{
    static constexpr BySize kAverage{Inst::kIdVpavgb, Inst::kIdVpavgw, kNone, kNone};
    return lane_size(item.word) <= 1 ? three_same<kAverage>(e, item) : call_quietly(e, item);
}

// ---- One source

bool negate(Emitter& e, const Item& item)
{
    e.vpxor(xmm0, xmm0, xmm0);
    e.emit(kSub.at(lane_size(item.word)), xmm0, xmm0, e.read_vector(vn(item.word)));
    return finish(e, item);
}

bool absolute(Emitter& e, const Item& item)
{
    static constexpr BySize kAbs{Inst::kIdVpabsb, Inst::kIdVpabsw, Inst::kIdVpabsd, kNone};
    const unsigned size = lane_size(item.word);
    if (size == 3) {
        e.vpxor(xmm1, xmm1, xmm1);
        e.vpcmpgtq(xmm1, xmm1, e.read_vector(vn(item.word)));
        e.vpxor(xmm0, xmm1, e.read_vector(vn(item.word)));
        e.vpsubq(xmm0, xmm0, xmm1);
    } else {
        e.emit(kAbs.at(size), xmm0, e.read_vector(vn(item.word)));
    }
    return finish(e, item);
}

bool invert_vector(Emitter& e, const Item& item)
{
    e.vpcmpeqd(xmm0, xmm0, xmm0);
    e.vpxor(xmm0, xmm0, e.read_vector(vn(item.word)));
    return finish(e, item);
}

/// Bits set in each byte: of both nibbles by a table.
bool count_bits(Emitter& e, const Item& item)
{
    const x86::Mem nibbles = lanes_literal(e, 0x0f, 0);
    const x86::Xmm n = e.read_vector(vn(item.word));
    e.vpsrlw(xmm0, n, 4);
    e.vpand(xmm0, xmm0, nibbles);
    e.vpand(xmm1, n, nibbles);
    e.vmovdqa(xmm2, e.literal(0x0302'0201'0201'0100, 0x0403'0302'0302'0201));
    e.vpshufb(xmm0, xmm2, xmm0);
    e.vpshufb(xmm1, xmm2, xmm1);
    e.vpaddb(xmm0, xmm0, xmm1);
    return finish(e, item);
}

// ---- Logic

template <asmjit::InstId kId>
bool logic(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    e.combine(kId, xmm0, vn(word), vm(word));
    return finish(e, item);
}

bool move_or(Emitter& e, const Item& item)
{
    if (vn(item.word) != vm(item.word))
        return logic<Inst::kIdVpor>(e, item);
    copy_vector(e, xmm0, vn(item.word));
    return finish(e, item);
}

/// rn and not rm
bool bit_clear(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    e.combine(Inst::kIdVpandn, xmm0, vm(word), vn(word));
    return finish(e, item);
}

bool or_not(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    e.vpcmpeqd(xmm0, xmm0, xmm0);
    e.vpxor(xmm0, xmm0, e.read_vector(vm(word)));
    e.vpor(xmm0, xmm0, e.read_vector(vn(word)));
    return finish(e, item);
}

/// (a ^ b) & mask ^ b: a where the mask has ones, else b.
void select(Emitter& e, unsigned a, unsigned b, unsigned mask, bool inverted)
{
    e.combine(Inst::kIdVpxor, xmm0, a, b);
    if (inverted)
        e.vpandn(xmm0, e.read_vector(mask), xmm0);
    else
        e.vpand(xmm0, xmm0, e.read_vector(mask));
    e.vpxor(xmm0, xmm0, e.read_vector(b));
}

bool bitwise_select(Emitter& e, const Item& item)
{
    select(e, vn(item.word), vm(item.word), vd(item.word), false);
    return finish(e, item);
}

template <bool kIfFalse>
bool bitwise_insert(Emitter& e, const Item& item)
{
    select(e, vn(item.word), vd(item.word), vm(item.word), kIfFalse);
    return finish(e, item);
}

constexpr TemplateRow kRows[]{
    {cpu::ADD_vector, {three_same<kAdd>, kPlain}},
    {cpu::ADD_scalar, {three_same<kAdd>, kPlain}},
    {cpu::SUB_vector, {three_same<kSub>, kPlain}},
    {cpu::SUB_scalar, {three_same<kSub>, kPlain}},
    {cpu::SMAX, {three_same<kSignedMax>, kPlain}},
    {cpu::SMIN, {three_same<kSignedMin>, kPlain}},
    {cpu::UMAX, {three_same<kUnsignedMax>, kPlain}},
    {cpu::UMIN, {three_same<kUnsignedMin>, kPlain}},
    {cpu::CMEQ_vector, {three_same<kEqual>, kPlain}},
    {cpu::CMEQ_scalar, {three_same<kEqual>, kPlain}},
    {cpu::CMGT_vector, {compare_greater, kPlain}},
    {cpu::CMGT_scalar, {compare_greater, kPlain}},
    {cpu::CMGE_vector, {compare_greater_equal, kPlain}},
    {cpu::CMGE_scalar, {compare_greater_equal, kPlain}},
    {cpu::CMHI_vector, {compare_unsigned<false>, kPlain}},
    {cpu::CMHI_scalar, {compare_unsigned<false>, kPlain}},
    {cpu::CMHS_vector, {compare_unsigned<true>, kPlain}},
    {cpu::CMHS_scalar, {compare_unsigned<true>, kPlain}},
    {cpu::CMTST_vector, {compare_test, kPlain}},
    {cpu::CMTST_scalar, {compare_test, kPlain}},
    {cpu::CMEQ_vector_zero, {compare_zero<Zero::Equal>, kPlain}},
    {cpu::CMEQ_scalar_zero, {compare_zero<Zero::Equal>, kPlain}},
    {cpu::CMGT_vector_zero, {compare_zero<Zero::Greater>, kPlain}},
    {cpu::CMGT_scalar_zero, {compare_zero<Zero::Greater>, kPlain}},
    {cpu::CMGE_vector_zero, {compare_zero<Zero::GreaterEqual>, kPlain}},
    {cpu::CMGE_scalar_zero, {compare_zero<Zero::GreaterEqual>, kPlain}},
    {cpu::CMLT_vector_zero, {compare_zero<Zero::Less>, kPlain}},
    {cpu::CMLT_scalar_zero, {compare_zero<Zero::Less>, kPlain}},
    {cpu::CMLE_vector_zero, {compare_zero<Zero::LessEqual>, kPlain}},
    {cpu::CMLE_scalar_zero, {compare_zero<Zero::LessEqual>, kPlain}},
    {cpu::SABD, {absolute_difference<kSignedMax, kSignedMin, false>, kPlain}},
    {cpu::SABA, {absolute_difference<kSignedMax, kSignedMin, true>, kPlain}},
    {cpu::UABD, {absolute_difference<kUnsignedMax, kUnsignedMin, false>, kPlain}},
    {cpu::UABA, {absolute_difference<kUnsignedMax, kUnsignedMin, true>, kPlain}},
    {cpu::MUL_vector, {multiply_vector<Accumulate::No>, kPlain}},
    {cpu::MLA_vector, {multiply_vector<Accumulate::Add>, kPlain}},
    {cpu::MLS_vector, {multiply_vector<Accumulate::Subtract>, kPlain}},
    {cpu::MUL_element, {multiply_element<Accumulate::No>, kPlain}},
    {cpu::MLA_element, {multiply_element<Accumulate::Add>, kPlain}},
    {cpu::MLS_element, {multiply_element<Accumulate::Subtract>, kPlain}},
    {cpu::URHADD, {rounded_average, kPlain}},
    {cpu::NEG_vector, {negate, kPlain}},
    {cpu::NEG_scalar, {negate, kPlain}},
    {cpu::ABS_vector, {absolute, kPlain}},
    {cpu::ABS_scalar, {absolute, kPlain}},
    {cpu::NOT_vector, {invert_vector, kPlain}},
    {cpu::CNT_vector, {count_bits, kPlain}},
    {cpu::AND_vector, {logic<Inst::kIdVpand>, kPlain}},
    {cpu::ORR_vector, {move_or, kPlain}},
    {cpu::EOR_vector, {logic<Inst::kIdVpxor>, kPlain}},
    {cpu::BIC_vector, {bit_clear, kPlain}},
    {cpu::ORN_vector, {or_not, kPlain}},
    {cpu::BSL, {bitwise_select, kPlain}},
    {cpu::BIT, {bitwise_insert<false>, kPlain}},
    {cpu::BIF, {bitwise_insert<true>, kPlain}},
};

}  // namespace

std::span<const TemplateRow> simd_integer_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
