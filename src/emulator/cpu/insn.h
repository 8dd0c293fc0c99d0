// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::cpu {

class Cpu;
struct Insn;

/// Executes one predecoded instruction and says which comes next: `insn + 1`, the first of another
/// block, or nullptr to leave the block because State::pc says where to go on (an exception was
/// taken, or the PE must look up). Called by the interpreter's loop and, later, from translated
/// code. Never throws.
using Handler = const Insn* (*)(Cpu&, const Insn*) noexcept;

/// One instruction as T0 runs it: operands extracted, register 31 resolved (state.h), 16 bytes so
/// that four fill a cache line. A slot stands for 4 bytes of guest code, so the address of an
/// instruction follows from its place in its block and is not stored.
struct Insn {
    Handler run = nullptr;
    std::uint32_t imm = 0;  // an immediate, or the instruction word where a handler needs more
    std::uint8_t rd = 0;
    std::uint8_t rn = 0;
    std::uint8_t rm = 0;
    std::uint8_t ra = 0;
};
static_assert(sizeof(Insn) == 16);

/// Checks the reserved combinations of one encoding, fills the operands and picks the handler.
/// nullptr: the word is unallocated after all. One such function per row of encodings/*.inc, named
/// as the row.
using Translate = Handler (*)(std::uint32_t word, Insn& insn);

}  // namespace gh::cpu
