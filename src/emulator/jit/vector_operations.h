// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/bits.h"
#include "emulator/cpu/operands.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/unit.h"

#include <array>
#include <bit>
#include <cstdint>

/// What the templates of Advanced SIMD share: fields of their encodings, and the instructions of
/// AVX2 by the size of a lane.
namespace gh::jit {

namespace Inst = x86::Inst;

/// One instruction for each of lanes of 1, 2, 4 and 8 bytes; kIdNone: there is none.
using BySize = std::array<asmjit::InstId, 4>;
inline constexpr asmjit::InstId kNone = Inst::kIdNone;

inline constexpr BySize kAdd{Inst::kIdVpaddb, Inst::kIdVpaddw, Inst::kIdVpaddd, Inst::kIdVpaddq};
inline constexpr BySize kSub{Inst::kIdVpsubb, Inst::kIdVpsubw, Inst::kIdVpsubd, Inst::kIdVpsubq};
inline constexpr BySize kEqual{Inst::kIdVpcmpeqb, Inst::kIdVpcmpeqw, Inst::kIdVpcmpeqd,
                               Inst::kIdVpcmpeqq};
inline constexpr BySize kGreater{Inst::kIdVpcmpgtb, Inst::kIdVpcmpgtw, Inst::kIdVpcmpgtd,
                                 Inst::kIdVpcmpgtq};
inline constexpr BySize kSignedMax{Inst::kIdVpmaxsb, Inst::kIdVpmaxsw, Inst::kIdVpmaxsd, kNone};
inline constexpr BySize kSignedMin{Inst::kIdVpminsb, Inst::kIdVpminsw, Inst::kIdVpminsd, kNone};
inline constexpr BySize kUnsignedMax{Inst::kIdVpmaxub, Inst::kIdVpmaxuw, Inst::kIdVpmaxud, kNone};
inline constexpr BySize kUnsignedMin{Inst::kIdVpminub, Inst::kIdVpminuw, Inst::kIdVpminud, kNone};
inline constexpr BySize kShiftLeft{kNone, Inst::kIdVpsllw, Inst::kIdVpslld, Inst::kIdVpsllq};
inline constexpr BySize kShiftRight{kNone, Inst::kIdVpsrlw, Inst::kIdVpsrld, Inst::kIdVpsrlq};
inline constexpr BySize kShiftRightSigned{kNone, Inst::kIdVpsraw, Inst::kIdVpsrad, kNone};

/// log2 of the lane's bytes where bits 23:22 say it.
inline unsigned lane_size(std::uint32_t word)
{
    return static_cast<unsigned>(bits(word, 22, 2));
}
/// Bytes of the result: scalar forms have bit 28 set and a D register at most; vectors have Q.
inline unsigned result_size(std::uint32_t word)
{
    return bit(word, 30) && !bit(word, 28) ? 16 : 8;
}
inline unsigned vd(std::uint32_t word)
{
    return cpu::field5(word, 0);
}
inline unsigned vn(std::uint32_t word)
{
    return cpu::field5(word, 5);
}
inline unsigned vm(std::uint32_t word)
{
    return cpu::field5(word, 16);
}

/// immh:immb: its highest one says the lane's width, the number itself how far.
struct Shift {
    explicit Shift(std::uint32_t word)
        : imm(static_cast<unsigned>(bits(word, 16, 7))),
          log2_size(static_cast<unsigned>(std::bit_width(imm)) - 4)
    {
    }
    [[nodiscard]] unsigned width() const { return 8u << log2_size; }
    [[nodiscard]] unsigned left() const { return imm - width(); }
    [[nodiscard]] unsigned right() const { return 2 * width() - imm; }

    unsigned imm;
    unsigned log2_size;
};

/// `value` in every lane of 1 << log2_size bytes of a doubleword.
constexpr std::uint64_t in_lanes(std::uint64_t value, unsigned log2_size)
{
    std::uint64_t result = value;
    for (unsigned width = 8u << log2_size; width < 64; width *= 2)
        result |= result << width;
    return result;
}

/// A literal with `value` in every lane.
inline x86::Mem lanes_literal(Emitter& e, std::uint64_t value, unsigned log2_size)
{
    const std::uint64_t half = in_lanes(value, log2_size);
    return e.literal(half, half);
}

/// Where no template applies after all.
inline bool call_quietly(Emitter& e, const Item& item)
{
    e.call_simd_handler(item);
    return true;
}

/// rd = xmm0, as much as the word's form has.
inline bool finish(Emitter& e, const Item& item)
{
    e.write_vector(vd(item.word), x86::xmm0, result_size(item.word));
    return true;
}

/// `to` = `v`, to be changed.
inline void copy_vector(Emitter& e, const x86::Xmm& to, unsigned v)
{
    e.vmovdqa(to, e.read_vector(v));
}

inline void invert(Emitter& e, const x86::Xmm& value, const x86::Xmm& scratch)
{
    e.vpcmpeqd(scratch, scratch, scratch);
    e.vpxor(value, value, scratch);
}

/// `to` = the element of rm that the handler's operands name, of 1 << log2_size bytes, everywhere.
inline void broadcast_element(Emitter& e, const x86::Xmm& to, const Item& item, unsigned log2_size)
{
    const unsigned element = item.insn->ra;
    if (log2_size == 3)
        e.vpshufd(to, e.read_vector(item.insn->rm), element == 0 ? 0x44 : 0xee);
    else if (log2_size == 2)
        e.vpshufd(to, e.read_vector(item.insn->rm), element * 0x55);
    else
        e.vpbroadcastw(to, e.vector_lane(item.insn->rm, 2, element * 2));
}

// Products and shifts of bytes, which AVX2 lacks (vector_operations.cpp).

/// xmm0 = product of lanes of xmm0 and xmm1, both spoilt, as xmm2 and xmm3.
void multiply(Emitter& e, unsigned log2_size);
/// xmm0 shifted by a constant from 0 to the lane's width; xmm1 is spoilt.
void shift_left(Emitter& e, unsigned log2_size, unsigned amount);
void shift_right(Emitter& e, unsigned log2_size, unsigned amount, bool is_signed);
/// xmm0 = lanes / 2^amount, rounded to nearest; 1 <= amount. xmm1, xmm2 are spoilt.
void shift_right_rounded(Emitter& e, unsigned log2_size, unsigned amount, bool is_signed);
/// `to` = lanes of half of `v` (the upper one if `upper`), of 1 << log2_size bytes, twice as wide.
void widen(Emitter& e, const x86::Xmm& to, unsigned v, unsigned log2_size, bool upper,
           bool is_signed);
/// xmm0 = low halves of the lanes of xmm0, of 1 << log2_size bytes afterwards, in its low 8 bytes.
void narrow(Emitter& e, unsigned log2_size);
/// The same into rd's low half, the upper becoming zero, or with Q into its upper half.
bool finish_narrow(Emitter& e, const Item& item, unsigned log2_size);
/// `to` = the even or odd lanes of n, then of m; `to` is xmm0 or xmm1, xmm2 is spoilt.
void deinterleave(Emitter& e, const x86::Xmm& to, std::uint32_t word, bool odd);

}  // namespace gh::jit
