// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What stands in the bodies of packets: numbers are hexadecimal, and what is read is taken off the
/// text.
namespace gh::gdb {

/// False, and nothing is taken, if `text` begins otherwise.
[[nodiscard]] bool take(std::string_view& text, std::string_view prefix);

/// Without leading zeros.
[[nodiscard]] std::string hex_number(std::uint64_t value);

/// "address,length" and what comes behind it.
struct Range {
    std::uint64_t address = 0;
    std::uint64_t length = 0;
};
[[nodiscard]] std::optional<Range> take_range(std::string_view& text);

/// GDB's number of a vCPU's thread.
[[nodiscard]] std::string thread_of(unsigned vcpu);
/// The vCPU of a thread's number: 0 is any, so the `present` one. Nothing: there are not so many.
[[nodiscard]] std::optional<unsigned> take_vcpu(std::string_view& text, unsigned vcpus,
                                                unsigned present);

}  // namespace gh::gdb
