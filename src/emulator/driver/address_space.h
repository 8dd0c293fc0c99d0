// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace gh::driver {

/// One line of /proc/PID/maps, cut to the range asked for.
struct Vma {
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    bool readable = false;
    bool writable = false;
    bool executable = false;
    bool shared = false;
    std::uint64_t offset = 0;  // in its file
    dev_t device = 0;
    ino_t inode = 0;              // 0: anonymous
    std::uint64_t vma_start = 0;  // uncut, as /proc/PID/map_files names it
    std::uint64_t vma_end = 0;
    bool lent = false;  // one of our own plugs: the memory is a guest's
};

/// The name of the memfd behind every plug.
inline constexpr const char* kPlugName = "gunyah-lent";

/// The mappings of a process, by its name in /proc (a number, or "self"), that touch [start, end),
/// ascending. Empty on any failure.
[[nodiscard]] std::vector<Vma> mappings_of(const std::string& process, std::uint64_t start,
                                           std::uint64_t end);
/// Those of this process.
[[nodiscard]] inline std::vector<Vma> mappings(std::uint64_t start, std::uint64_t end)
{
    return mappings_of("self", start, end);
}

/// Whether the last byte of a readable mapping can be read: a file mapping that reaches beyond the
/// end of its file cannot be given to a guest, for touching it is a SIGBUS.
[[nodiscard]] bool is_backed(const Vma& vma) noexcept;

}  // namespace gh::driver
