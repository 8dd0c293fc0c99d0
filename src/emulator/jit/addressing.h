// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/operands.h"
#include "emulator/jit/emitter.h"

#include <cstdint>

/// How loads and stores of both register files form their addresses (DDI 0487 C1.3.3).
namespace gh::jit {

enum class Mode { Offset, Pre, Post, Unprivileged };

/// Base register plus offset, in the base's own register or rax.
x86::Gp base_plus(Emitter& e, unsigned base, std::int32_t offset);

/// Base plus the index register in bits 20:16, extended by option in bits 15:13 and shifted left:
/// in rax. Spoils rcx.
void base_plus_register(Emitter& e, std::uint32_t word, unsigned shift);

/// The write-back. Spoils EFLAGS.
void add_to_base(Emitter& e, unsigned base, std::int32_t offset);

inline std::int32_t imm9(std::uint32_t word)
{
    return static_cast<std::int32_t>(cpu::signed_imm(word, 12, 9));
}

}  // namespace gh::jit
