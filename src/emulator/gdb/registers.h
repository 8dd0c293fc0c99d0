// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"

#include <optional>
#include <string>
#include <string_view>

namespace gh::gdb {

/// The registers as GDB counts them: those of its features org.gnu.gdb.aarch64.core and .fpu, then
/// system registers of EL1 in a feature of our own, which cannot be written. Values are the bytes
/// as the guest's memory would have them, in hexadecimal digits.

/// The description that GDB asks for by the name target.xml.
[[nodiscard]] const std::string& target_description();

/// All that `g` and `G` carry: core and fpu.
[[nodiscard]] std::string read_registers(cpu::Cpu& pe);
/// False: not as long as it must be, or no digits.
[[nodiscard]] bool write_registers(cpu::Cpu& pe, std::string_view digits);

/// Nothing: there is no such register.
[[nodiscard]] std::optional<std::string> read_register(cpu::Cpu& pe, std::size_t number);
/// False: likewise, or it cannot be written, or `digits` are of another size. Of CPSR the
/// condition flags and the interrupt masks take; the exception level stays.
[[nodiscard]] bool write_register(cpu::Cpu& pe, std::size_t number, std::string_view digits);

}  // namespace gh::gdb
