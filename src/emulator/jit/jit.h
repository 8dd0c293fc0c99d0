// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace gh::jit {

inline constexpr std::uint32_t kDefaultThreshold = 20;
inline constexpr std::size_t kDefaultCodeSize = std::size_t{24} << 20;

/// Tier T1 for `cpu`: hot blocks as x86-64 code (README, "Life of an instruction"). nullptr where
/// this build or this host has none; the PE then runs in T0 alone. `threshold`: entries of a block
/// before it is translated, 1 or more. `code_size`: bytes of host code before all of it is thrown
/// away, a multiple of 64 KiB, 128 KiB or more.
[[nodiscard]] std::unique_ptr<cpu::Translator> make_translator(
    cpu::Cpu& cpu, std::uint32_t threshold = kDefaultThreshold,
    std::size_t code_size = kDefaultCodeSize);

/// The same, but in lock step with T0: each unit runs interpreted first and then as host code from
/// the same state, and whatever software can see is compared (lockstep.h). `report` is told of each
/// difference, in lines for people; without one it is printed and the process aborts. Says at the
/// end how much was compared. `cpu` must be alone in its cluster. For developers: slow. Throws
/// Error where the system allows no executable memory.
[[nodiscard]] std::unique_ptr<cpu::Translator> make_lockstep_translator(
    cpu::Cpu& cpu, std::uint32_t threshold = kDefaultThreshold,
    std::function<void(const std::string&)> report = {});

/// Why make_translator() would give none; nullptr: it would not.
[[nodiscard]] const char* unavailable() noexcept;

}  // namespace gh::jit
