// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/jit/vector_operations.h"

#include <initializer_list>

/// How floating point is done by the host's unit: where it gives the same bits and flags, which is
/// when rounding to nearest without flushing, and no result is NaN. What it finds inexact, too
/// large, too small or divided by zero stays in MXCSR until somebody may look (stubs.h); so an
/// operation there must raise nothing that the guest's does not raise, though a handler do it
/// again. Therefore
/// - lanes that take no part are cleared first (read_numbers());
/// - what is out of range is found out before a conversion may call it inexact;
/// - tiny products that round to the smallest normal number are left to handlers: Arm detects
///   underflow before rounding, x86 after it. In all else the two have the same flags.
namespace gh::jit {

/// Begins an instruction on `sources`: where its handler is called instead. All V registers that
/// are read before the last check must be named, so that they have their homes when the slow path
/// is made.
Label begin_fp(Emitter& e, const Item& item, Emitter::Slow how,
               std::initializer_list<unsigned> sources);

/// The low `size` bytes of `v` with zeros above, in `scratch`; or all of `v` where it lies.
x86::Xmm read_numbers(Emitter& e, unsigned v, unsigned size, const x86::Xmm& scratch);

/// Which results are the host's: all but NaN, and for `Product` all but the smallest normal number.
enum class Result : std::uint8_t {
    Sum,      // exact where it is tiny; square roots are never
    Product,  // and quotients, and conversions to singles
};

/// Looks at the lowest number of xmm0, a double if `wide`. Spoils xmm1 and EFLAGS.
void check_scalar(Emitter& e, const Label& slow, bool wide, Result kind);
/// Looks at the numbers of xmm0, two if not `full`. Spoils xmm1, eax and EFLAGS.
void check_vector(Emitter& e, const Label& slow, bool wide, bool full, Result kind);
/// Leaves for the slow path if one of the lanes of `a` and `b` is NaN. Spoils xmm3, eax and EFLAGS.
void check_numbers(Emitter& e, const Label& slow, bool wide, bool full, const x86::Xmm& a,
                   const x86::Xmm& b);

/// VROUNDSD's modes. As they are, they raise "inexact".
inline constexpr unsigned kNearest = 0;
inline constexpr unsigned kDown = 1;
inline constexpr unsigned kUp = 2;
inline constexpr unsigned kToZero = 3;
inline constexpr unsigned kQuietly = 8;  // added to one: raise nothing

/// One instruction for singles and one for doubles.
using ByFormat = std::array<asmjit::InstId, 2>;

/// Bit 22: doubles, not singles.
inline bool is_double(std::uint32_t word)
{
    return bit(word, 22);
}
inline unsigned scalar_size(std::uint32_t word)
{
    return is_double(word) ? 8 : 4;
}

/// rd = the lowest number of xmm0.
inline void write_scalar(Emitter& e, const Item& item, bool wide)
{
    e.write_vector(vd(item.word), x86::xmm0, wide ? 8 : 4);
}

/// A literal with the sign bits of all lanes, or all but those.
inline x86::Mem sign_bits(Emitter& e, bool wide)
{
    return lanes_literal(e, wide ? std::uint64_t{1} << 63 : std::uint64_t{1} << 31, wide ? 3 : 2);
}
inline x86::Mem all_but_signs(Emitter& e, bool wide)
{
    return lanes_literal(e, wide ? ~std::uint64_t{0} >> 1 : 0x7fff'ffff, wide ? 3 : 2);
}

}  // namespace gh::jit
