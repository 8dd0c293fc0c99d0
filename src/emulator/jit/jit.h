// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"

#include <cstdint>
#include <memory>

namespace gh::jit {

inline constexpr std::uint32_t kDefaultThreshold = 20;

/// Tier T1 for `cpu`: hot blocks as x86-64 code (README, "Life of an instruction"). nullptr where
/// this build or this host has none; the PE then runs in T0 alone. `threshold`: entries of a block
/// before it is translated, 1 or more.
[[nodiscard]] std::unique_ptr<cpu::Translator> make_translator(
    cpu::Cpu& cpu, std::uint32_t threshold = kDefaultThreshold);

/// Why make_translator() would give none; nullptr: it would not.
[[nodiscard]] const char* unavailable() noexcept;

}  // namespace gh::jit
