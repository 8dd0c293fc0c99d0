// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/jit/vector_operations.h"

#include <initializer_list>

/// How floating point is done by the host's unit: only where it gives the same bits and flags, the
/// rest is the handler's business. That is the rule of cpu/softfloat_host.h: rounding to nearest
/// without flushing, FPSR.IXC set already, a result that is neither NaN, infinite nor so small that
/// it may have underflowed. Flags that the host raises meanwhile are nobody's; MXCSR stays as the
/// thread has it.
namespace gh::jit {

/// What FPCR and FPSR must say for an operation to be the host's.
enum class Env : std::uint8_t {
    Rounds,     // results may be inexact: to nearest, no flushing, FPSR.IXC set
    Truncates,  // the same, whatever FPCR.RMode says
    Flushes,    // exact, but denormals count: no flushing
};

/// Leaves for the slow path unless FPCR and FPSR are so. Spoils eax and EFLAGS.
void check_environment(Emitter& e, const Label& slow, Env env);

/// Begins an instruction on `sources` that needs `env`: what its handler is called for instead. All
/// V registers that are read before the last check must be named, so that they have their homes
/// when the slow path is made.
Label begin_fp(Emitter& e, const Item& item, Env env, Emitter::Slow how,
               std::initializer_list<unsigned> sources);

/// Which results are the host's.
enum class Result : std::uint8_t {
    Finite,    // sums: tiny ones are exact
    Ordinary,  // others
};

/// Looks at the lowest number of xmm0, a double if `wide`. Spoils eax and EFLAGS.
void check_scalar(Emitter& e, const Label& slow, bool wide, Result kind);
/// Looks at the numbers of xmm0, two if not `full`. Spoils xmm1, eax and EFLAGS.
void check_vector(Emitter& e, const Label& slow, bool wide, bool full, Result kind);
/// Leaves for the slow path if one of the lanes of `a` and `b` is NaN. Spoils xmm3, eax and EFLAGS.
void check_numbers(Emitter& e, const Label& slow, bool wide, bool full, const x86::Xmm& a,
                   const x86::Xmm& b);

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
