// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "boot/image_head.h"

#include <vector>

namespace gh::boot {

/// One PT_LOAD of an ELF file.
struct ElfSegment {
    std::uint64_t file_offset = 0;
    std::uint64_t file_size = 0;
    std::uint64_t virtual_address = 0;
    std::uint64_t physical_address = 0;
    std::uint64_t memory_size = 0;
};

struct ElfFile {
    std::vector<ElfSegment> segments;  // never empty; none wraps
    std::uint64_t entry = 0;           // as the header has it, virtual or physical
};

/// Reads the headers of a 64-bit little-endian AArch64 executable (ET_EXEC or ET_DYN) of
/// `file_size` bytes whose beginning is `head`. Throws Error saying what is wrong or missing.
[[nodiscard]] ElfFile read_elf(Bytes head, std::uint64_t file_size);

}  // namespace gh::boot
