// SPDX-License-Identifier: BSD-3-Clause
// Lanes to other places, pairs, sums across a register (DDI 0487 C4.1.97, "Advanced SIMD permute",
// "extract", "table lookup", "across lanes", "three different").
#include "emulator/jit/templates.h"
#include "emulator/jit/vector_operations.h"

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;

// ---- Permutations

template <bool kUpper>
bool zip(Emitter& e, const Item& item)
{
    static constexpr BySize kLow{Inst::kIdVpunpcklbw, Inst::kIdVpunpcklwd, Inst::kIdVpunpckldq,
                                 Inst::kIdVpunpcklqdq};
    static constexpr BySize kHigh{Inst::kIdVpunpckhbw, Inst::kIdVpunpckhwd, Inst::kIdVpunpckhdq,
                                  Inst::kIdVpunpckhqdq};
    const std::uint32_t word = item.word;
    const bool full = bit(word, 30);
    const BySize& ids = kUpper && full ? kHigh : kLow;
    e.combine(ids.at(lane_size(word)), xmm0, vn(word), vm(word));
    if (kUpper && !full)
        e.vpsrldq(xmm0, xmm0, 8);
    return finish(e, item);
}

template <bool kOdd>
bool unzip(Emitter& e, const Item& item)
{
    deinterleave(e, xmm0, item.word, kOdd);
    return finish(e, item);
}

/// Even (odd) lanes of n, and between them those of m.
template <bool kOdd>
bool transpose(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    if (size == 3)
        return unzip<kOdd>(e, item);
    const unsigned width = 8u << size;
    const std::uint64_t evens = in_lanes(~std::uint64_t{0} >> (64 - width), size + 1);
    copy_vector(e, xmm0, kOdd ? vn(word) : vm(word));
    if (kOdd)
        shift_right(e, size + 1, width, false);
    else
        shift_left(e, size + 1, width);
    const x86::Mem mask = e.literal(evens, evens);
    if (kOdd) {
        e.vmovdqa(xmm1, mask);
        e.vpandn(xmm1, xmm1, e.read_vector(vm(word)));
    } else {
        e.vpand(xmm1, e.read_vector(vn(word)), mask);
    }
    e.vpor(xmm0, xmm0, xmm1);
    return finish(e, item);
}

bool extract(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const auto index = static_cast<unsigned>(bits(word, 11, 4));
    if (bit(word, 30)) {
        const x86::Xmm m = e.read_vector(vm(word));
        e.vpalignr(xmm0, m, e.read_vector(vn(word)), index);
    } else {
        e.combine(Inst::kIdVpunpcklqdq, xmm0, vn(word), vm(word));
        e.vpsrldq(xmm0, xmm0, index);
    }
    return finish(e, item);
}

/// TBL: indices beyond the table give zero, which vpshufb does if they are made negative.
bool table_lookup(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const auto count = 1 + static_cast<unsigned>(bits(word, 13, 2));
    const x86::Xmm m = e.read_vector(vm(word));
    const x86::Mem limit = lanes_literal(e, 0x70, 0);
    e.vpaddusb(xmm0, m, limit);
    const x86::Xmm first = e.read_vector(vn(word));
    e.vpshufb(xmm0, first, xmm0);
    for (unsigned i = 1; i < count; ++i) {
        e.vpsubb(x86::xmm3, m, lanes_literal(e, std::uint64_t{16} * i, 0));
        e.vpaddusb(x86::xmm3, x86::xmm3, limit);
        const x86::Xmm table = e.read_vector((vn(word) + i) % 32);
        e.vpshufb(x86::xmm3, table, x86::xmm3);
        e.vpor(xmm0, xmm0, x86::xmm3);
    }
    return finish(e, item);
}

/// REV64, REV32, REV16: lanes within units of 8, 4 or 2 bytes.
template <unsigned kUnit>
bool reverse(Emitter& e, const Item& item)
{
    const unsigned bytes = 1u << lane_size(item.word);
    std::uint64_t low = 0;
    for (unsigned byte = 0; byte < 8; ++byte) {
        const unsigned in_unit = byte % kUnit;
        const unsigned from =
            byte - in_unit + (kUnit - bytes - in_unit / bytes * bytes) + in_unit % bytes;
        low |= std::uint64_t{from} << 8 * byte;
    }
    e.vpshufb(xmm0, e.read_vector(vn(item.word)), e.literal(low, low + 0x0808'0808'0808'0808));
    return finish(e, item);
}

// ---- Pairs

template <const BySize& kIds>
bool pairwise(Emitter& e, const Item& item)
{
    deinterleave(e, xmm0, item.word, false);
    deinterleave(e, xmm1, item.word, true);
    e.emit(kIds.at(lane_size(item.word)), xmm0, xmm0, xmm1);
    return finish(e, item);
}

bool add_pair_scalar(Emitter& e, const Item& item)
{
    e.vmovq(xmm0, e.vector_lane(vn(item.word), 8, 8));
    e.vpaddq(xmm0, xmm0, e.read_vector(vn(item.word)));
    return finish(e, item);
}

/// xmm0 = sums of the pairs of lanes of rn, twice as wide. False: AVX2 has no short way.
bool add_long_pairs(Emitter& e, const Item& item, bool is_signed)
{
    const unsigned size = lane_size(item.word);
    const unsigned n = vn(item.word);
    if (size == 0 && is_signed) {
        e.vmovdqa(xmm0, lanes_literal(e, 1, 0));
        e.vpmaddubsw(xmm0, xmm0, e.read_vector(n));
    } else if (size == 0) {
        e.vpmaddubsw(xmm0, e.read_vector(n), lanes_literal(e, 1, 0));
    } else if (size == 1 && is_signed) {
        e.vpmaddwd(xmm0, e.read_vector(n), lanes_literal(e, 1, 1));
    } else if (is_signed) {
        return false;
    } else {
        const x86::Xmm from = e.read_vector(n);
        const unsigned width = 8u << size;
        e.emit(kShiftRight.at(size + 1), xmm0, from, Imm(width));
        e.vpand(xmm1, from, lanes_literal(e, ~std::uint64_t{0} >> (64 - width), size + 1));
        e.emit(kAdd.at(size + 1), xmm0, xmm0, xmm1);
    }
    return true;
}

template <bool kSigned, bool kAccumulates>
bool long_pairs(Emitter& e, const Item& item)
{
    if (!add_long_pairs(e, item, kSigned))
        return call_quietly(e, item);
    if (kAccumulates)
        e.emit(kAdd.at(lane_size(item.word) + 1), xmm0, xmm0, e.read_vector(vd(item.word)));
    return finish(e, item);
}

// ---- Across lanes. Shifting down brings lane after lane to the first; what comes from beyond
// never reaches it.

void fold(Emitter& e, const BySize& ids, unsigned size, unsigned bytes)
{
    for (unsigned down = bytes / 2; down >= 1u << size; down /= 2) {
        e.vpsrldq(xmm1, xmm0, down);
        e.emit(ids.at(size), xmm0, xmm0, xmm1);
    }
}

bool finish_lane(Emitter& e, const Item& item, unsigned size)
{
    e.vpand(xmm0, xmm0, e.literal(~std::uint64_t{0} >> (64 - (8u << size)), 0));
    e.write_vector(vd(item.word), xmm0);
    return true;
}

template <const BySize& kIds>
bool across(Emitter& e, const Item& item)
{
    const unsigned size = lane_size(item.word);
    copy_vector(e, xmm0, vn(item.word));
    fold(e, kIds, size, result_size(item.word));
    return finish_lane(e, item, size);
}

template <bool kSigned>
bool add_long_across(Emitter& e, const Item& item)
{
    const unsigned size = lane_size(item.word);
    if (!add_long_pairs(e, item, kSigned))
        return call_quietly(e, item);
    fold(e, kAdd, size + 1, result_size(item.word));
    return finish_lane(e, item, size + 1);
}

// ---- Three different: both sources are widened, or only the second.

enum class Accumulate { No, Add, Subtract };

template <const BySize& kIds, bool kSigned, bool kFirstIsWide>
bool lengthening(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    widen(e, xmm1, vm(word), size, bit(word, 30), kSigned);
    x86::Xmm first = xmm0;
    if (kFirstIsWide)
        first = e.read_vector(vn(word));
    else
        widen(e, xmm0, vn(word), size, bit(word, 30), kSigned);
    e.emit(kIds.at(size + 1), xmm0, first, xmm1);
    e.write_vector(vd(word), xmm0);
    return true;
}

/// |n - m| of widened lanes, by the larger and the smaller before.
template <bool kSigned, bool kAccumulates>
bool long_difference(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    const BySize& max = kSigned ? kSignedMax : kUnsignedMax;
    const BySize& min = kSigned ? kSignedMin : kUnsignedMin;
    static constexpr BySize kWiden{Inst::kIdVpmovzxbw, Inst::kIdVpmovzxwd, Inst::kIdVpmovzxdq,
                                   kNone};
    const x86::Xmm n = e.read_vector(vn(word));
    e.emit(max.at(size), xmm0, n, e.read_vector(vm(word)));
    e.emit(min.at(size), xmm1, n, e.read_vector(vm(word)));
    e.emit(kSub.at(size), xmm0, xmm0, xmm1);
    if (bit(word, 30))
        e.vpsrldq(xmm0, xmm0, 8);
    e.emit(kWiden.at(size), xmm0, xmm0);
    if (kAccumulates)
        e.emit(kAdd.at(size + 1), xmm0, xmm0, e.read_vector(vd(word)));
    e.write_vector(vd(word), xmm0);
    return true;
}

/// xmm0 = xmm0 * xmm1, both widened from lanes of 1 << size bytes.
void multiply_widened(Emitter& e, unsigned size, bool is_signed)
{
    if (size == 2)
        e.emit(is_signed ? Inst::kIdVpmuldq : Inst::kIdVpmuludq, xmm0, xmm0, xmm1);
    else
        multiply(e, size + 1);
}

template <Accumulate kHow>
bool finish_product(Emitter& e, const Item& item)
{
    const unsigned size = lane_size(item.word) + 1;
    if (kHow == Accumulate::Add)
        e.emit(kAdd.at(size), xmm0, xmm0, e.read_vector(vd(item.word)));
    if (kHow == Accumulate::Subtract)
        e.emit(kSub.at(size), xmm0, e.read_vector(vd(item.word)), xmm0);
    e.write_vector(vd(item.word), xmm0);
    return true;
}

template <bool kSigned, Accumulate kHow>
bool long_product(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    widen(e, xmm0, vn(word), size, bit(word, 30), kSigned);
    widen(e, xmm1, vm(word), size, bit(word, 30), kSigned);
    multiply_widened(e, size, kSigned);
    return finish_product<kHow>(e, item);
}

template <bool kSigned, Accumulate kHow>
bool long_product_element(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const unsigned size = lane_size(word);
    static constexpr BySize kSignedWiden{kNone, Inst::kIdVpmovsxwd, Inst::kIdVpmovsxdq, kNone};
    static constexpr BySize kUnsignedWiden{kNone, Inst::kIdVpmovzxwd, Inst::kIdVpmovzxdq, kNone};
    broadcast_element(e, xmm1, item, size);
    e.emit((kSigned ? kSignedWiden : kUnsignedWiden).at(size), xmm1, xmm1);
    widen(e, xmm0, vn(word), size, bit(word, 30), kSigned);
    multiply_widened(e, size, kSigned);
    return finish_product<kHow>(e, item);
}

constexpr TemplateRow kRows[]{
    {cpu::ZIP1, {zip<false>, kPlain}},
    {cpu::ZIP2, {zip<true>, kPlain}},
    {cpu::UZP1, {unzip<false>, kPlain}},
    {cpu::UZP2, {unzip<true>, kPlain}},
    {cpu::TRN1, {transpose<false>, kPlain}},
    {cpu::TRN2, {transpose<true>, kPlain}},
    {cpu::EXT, {extract, kPlain}},
    {cpu::TBL, {table_lookup, kPlain}},
    {cpu::REV64_vector, {reverse<8>, kPlain}},
    {cpu::REV32_vector, {reverse<4>, kPlain}},
    {cpu::REV16_vector, {reverse<2>, kPlain}},
    {cpu::ADDP_vector, {pairwise<kAdd>, kPlain}},
    {cpu::SMAXP, {pairwise<kSignedMax>, kPlain}},
    {cpu::SMINP, {pairwise<kSignedMin>, kPlain}},
    {cpu::UMAXP, {pairwise<kUnsignedMax>, kPlain}},
    {cpu::UMINP, {pairwise<kUnsignedMin>, kPlain}},
    {cpu::ADDP_scalar, {add_pair_scalar, kPlain}},
    {cpu::SADDLP, {long_pairs<true, false>, kPlain}},
    {cpu::SADALP, {long_pairs<true, true>, kPlain}},
    {cpu::UADDLP, {long_pairs<false, false>, kPlain}},
    {cpu::UADALP, {long_pairs<false, true>, kPlain}},
    {cpu::ADDV, {across<kAdd>, kPlain}},
    {cpu::SMAXV, {across<kSignedMax>, kPlain}},
    {cpu::SMINV, {across<kSignedMin>, kPlain}},
    {cpu::UMAXV, {across<kUnsignedMax>, kPlain}},
    {cpu::UMINV, {across<kUnsignedMin>, kPlain}},
    {cpu::SADDLV, {add_long_across<true>, kPlain}},
    {cpu::UADDLV, {add_long_across<false>, kPlain}},
    {cpu::SADDL, {lengthening<kAdd, true, false>, kPlain}},
    {cpu::SADDW, {lengthening<kAdd, true, true>, kPlain}},
    {cpu::SSUBL, {lengthening<kSub, true, false>, kPlain}},
    {cpu::SSUBW, {lengthening<kSub, true, true>, kPlain}},
    {cpu::UADDL, {lengthening<kAdd, false, false>, kPlain}},
    {cpu::UADDW, {lengthening<kAdd, false, true>, kPlain}},
    {cpu::USUBL, {lengthening<kSub, false, false>, kPlain}},
    {cpu::USUBW, {lengthening<kSub, false, true>, kPlain}},
    {cpu::SABDL, {long_difference<true, false>, kPlain}},
    {cpu::SABAL, {long_difference<true, true>, kPlain}},
    {cpu::UABDL, {long_difference<false, false>, kPlain}},
    {cpu::UABAL, {long_difference<false, true>, kPlain}},
    {cpu::SMULL_vector, {long_product<true, Accumulate::No>, kPlain}},
    {cpu::SMLAL, {long_product<true, Accumulate::Add>, kPlain}},
    {cpu::SMLSL, {long_product<true, Accumulate::Subtract>, kPlain}},
    {cpu::UMULL_vector, {long_product<false, Accumulate::No>, kPlain}},
    {cpu::UMLAL, {long_product<false, Accumulate::Add>, kPlain}},
    {cpu::UMLSL, {long_product<false, Accumulate::Subtract>, kPlain}},
    {cpu::SMULL_element, {long_product_element<true, Accumulate::No>, kPlain}},
    {cpu::SMLAL_element, {long_product_element<true, Accumulate::Add>, kPlain}},
    {cpu::SMLSL_element, {long_product_element<true, Accumulate::Subtract>, kPlain}},
    {cpu::UMULL_element, {long_product_element<false, Accumulate::No>, kPlain}},
    {cpu::UMLAL_element, {long_product_element<false, Accumulate::Add>, kPlain}},
    {cpu::UMLSL_element, {long_product_element<false, Accumulate::Subtract>, kPlain}},
};

}  // namespace

std::span<const TemplateRow> simd_permute_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
