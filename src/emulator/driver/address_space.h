// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gh::driver {

/// One line of /proc/self/maps, cut to the range asked for.
struct Vma {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    bool readable = false;
    bool writable = false;
    bool lent = false;  // one of our own plugs: the memory is a guest's
};

/// The name of the memfd behind every plug.
inline constexpr const char* kPlugName = "gunyah-lent";

/// The mappings of this process that touch [start, end), ascending. Empty on any failure.
[[nodiscard]] std::vector<Vma> mappings(std::uint64_t start, std::uint64_t end);

/// Whether the last byte of a readable mapping can be read: a file mapping that reaches beyond the
/// end of its file cannot be given to a guest, for touching it is a SIGBUS.
[[nodiscard]] bool is_backed(const Vma& vma) noexcept;

}  // namespace gh::driver
