// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "protocol.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace gh::differential {

/// Whether two outcomes of a case are the same to software.
[[nodiscard]] bool same(const Registers& ours, const Registers& theirs) noexcept;

/// A case for people: the code, what it began with, and where the outcomes differ.
[[nodiscard]] std::string describe(std::span<const std::uint32_t> code, const Registers& before,
                                   const Registers& ours, const Registers& theirs);

/// Where two windows differ, one line for each doubleword; at most eight.
[[nodiscard]] std::string describe_windows(std::span<const std::byte> ours,
                                           std::span<const std::uint64_t> theirs);

/// objdump's reading of the words; without objdump, the words.
[[nodiscard]] std::string disassemble(std::span<const std::uint32_t> code, std::uint64_t address);

}  // namespace gh::differential
