// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/vector_operations.h"

namespace gh::jit {

using x86::xmm0;
using x86::xmm1;
using x86::xmm2;
using x86::xmm3;

namespace {

/// Bytes: the odd ones are multiplied in the upper halves of halfwords, the even ones below.
void multiply_bytes(Emitter& e)
{
    e.vpsrlw(xmm2, xmm0, 8);
    e.vpsrlw(xmm3, xmm1, 8);
    e.vpmullw(xmm0, xmm0, xmm1);
    e.vpmullw(xmm2, xmm2, xmm3);
    e.vpsllw(xmm2, xmm2, 8);
    e.vpand(xmm0, xmm0, lanes_literal(e, 0x00ff, 1));
    e.vpor(xmm0, xmm0, xmm2);
}

}  // namespace

void multiply(Emitter& e, unsigned log2_size)
{
    switch (log2_size) {
    case 0: multiply_bytes(e); break;
    case 1: e.vpmullw(xmm0, xmm0, xmm1); break;
    default: e.vpmulld(xmm0, xmm0, xmm1); break;
    }
}

void shift_left(Emitter& e, unsigned log2_size, unsigned amount)
{
    if (log2_size != 0) {
        e.emit(kShiftLeft.at(log2_size), xmm0, xmm0, Imm(amount));
        return;
    }
    e.vpsllw(xmm0, xmm0, amount);
    e.vpand(xmm0, xmm0, lanes_literal(e, 0xffu << amount & 0xff, 0));
}

void shift_right(Emitter& e, unsigned log2_size, unsigned amount, bool is_signed)
{
    const unsigned width = 8u << log2_size;
    if (is_signed && amount == width)
        --amount;
    if (is_signed && kShiftRightSigned.at(log2_size) != kNone) {
        e.emit(kShiftRightSigned.at(log2_size), xmm0, xmm0, Imm(amount));
        return;
    }
    if (log2_size == 0) {
        e.vpsrlw(xmm0, xmm0, amount);
        e.vpand(xmm0, xmm0, lanes_literal(e, 0xffu >> amount, 0));
    } else {
        e.emit(kShiftRight.at(log2_size), xmm0, xmm0, Imm(amount));
    }
    if (is_signed) {
        // Where the sign came to lie: flip and subtract it, and it fills what is above.
        const std::uint64_t sign = std::uint64_t{1} << (width - 1 - amount);
        const x86::Mem signs = lanes_literal(e, sign, log2_size);
        e.vpxor(xmm0, xmm0, signs);
        e.emit(kSub.at(log2_size), xmm0, xmm0, signs);
    }
}

/// The last bit shifted out is added.
void shift_right_rounded(Emitter& e, unsigned log2_size, unsigned amount, bool is_signed)
{
    e.vmovdqa(xmm2, xmm0);
    shift_right(e, log2_size, amount - 1, is_signed);
    e.vpand(xmm1, xmm0, lanes_literal(e, 1, log2_size));
    e.vmovdqa(xmm0, xmm2);
    e.vmovdqa(xmm2, xmm1);
    shift_right(e, log2_size, amount, is_signed);
    e.emit(kAdd.at(log2_size), xmm0, xmm0, xmm2);
}

void widen(Emitter& e, const x86::Xmm& to, unsigned v, unsigned log2_size, bool upper,
           bool is_signed)
{
    static constexpr BySize kSigned{Inst::kIdVpmovsxbw, Inst::kIdVpmovsxwd, Inst::kIdVpmovsxdq,
                                    kNone};
    static constexpr BySize kUnsigned{Inst::kIdVpmovzxbw, Inst::kIdVpmovzxwd, Inst::kIdVpmovzxdq,
                                      kNone};
    e.emit((is_signed ? kSigned : kUnsigned).at(log2_size), to, e.vector_lane(v, 8, upper ? 8 : 0));
}

namespace {

/// A vpshufb mask that gathers lanes `first`, `first` + 2 ... into 8 bytes.
std::uint64_t every_other(unsigned log2_size, unsigned first)
{
    std::uint64_t mask = 0;
    for (unsigned byte = 0; byte < 8; ++byte) {
        const unsigned lane = (byte >> log2_size) * 2 + first;
        const unsigned from = (lane << log2_size) + byte % (1u << log2_size);
        mask |= std::uint64_t{from} << 8 * byte;
    }
    return mask;
}

}  // namespace

void narrow(Emitter& e, unsigned log2_size)
{
    const std::uint64_t mask = every_other(log2_size, 0);
    e.vpshufb(xmm0, xmm0, e.literal(mask, mask));
}

bool finish_narrow(Emitter& e, const Item& item, unsigned log2_size)
{
    narrow(e, log2_size);
    if (!bit(item.word, 30)) {
        e.write_vector(vd(item.word), xmm0, 8);
        return true;
    }
    const x86::Xmm old = e.read_vector(vd(item.word));
    e.vpunpcklqdq(xmm0, old, xmm0);
    e.write_vector(vd(item.word), xmm0);
    return true;
}

void deinterleave(Emitter& e, const x86::Xmm& to, std::uint32_t word, bool odd)
{
    const unsigned size = lane_size(word);
    const bool full = result_size(word) == 16;
    if (size == 3) {
        const x86::Xmm n = e.read_vector(vn(word));
        if (odd)
            e.vpunpckhqdq(to, n, e.read_vector(vm(word)));
        else
            e.vpunpcklqdq(to, n, e.read_vector(vm(word)));
        return;
    }
    const std::uint64_t mask = every_other(size, odd ? 1 : 0);
    const x86::Mem gather = e.literal(mask, mask);
    if (full) {
        const x86::Xmm n = e.read_vector(vn(word));
        const x86::Xmm m = e.read_vector(vm(word));
        e.vpshufb(to, n, gather);
        e.vpshufb(xmm2, m, gather);
        e.vpunpcklqdq(to, to, xmm2);
    } else {
        const x86::Xmm n = e.read_vector(vn(word));
        e.vpunpcklqdq(to, n, e.read_vector(vm(word)));
        e.vpshufb(to, to, gather);
    }
}

}  // namespace gh::jit
