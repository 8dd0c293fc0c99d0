// SPDX-License-Identifier: BSD-3-Clause
#include "boot/elf.h"

#include "base/error.h"

namespace gh::boot {
namespace {

constexpr std::uint64_t kExec = 2;
constexpr std::uint64_t kDyn = 3;
constexpr std::uint64_t kLoad = 1;
constexpr std::uint64_t kInterp = 3;
constexpr std::uint64_t kTls = 7;
constexpr std::uint64_t kProgramHeader = 56;

void check_segment(const ElfSegment& segment, std::uint64_t file_size)
{
    if (segment.file_offset > file_size || segment.file_size > file_size - segment.file_offset)
        throw Error("it is truncated: a segment ends at byte " +
                    std::to_string(segment.file_offset + segment.file_size) + ", the file at " +
                    std::to_string(file_size));
    const bool wraps = segment.virtual_address + segment.memory_size < segment.virtual_address ||
                       segment.physical_address + segment.memory_size < segment.physical_address;
    if (wraps || segment.file_size > segment.memory_size)
        throw Error("its program headers make no sense");
}

}  // namespace

ElfFile read_elf(Bytes head, std::uint64_t file_size)
{
    const bool is_64_bit_little = little(head, 4, 2) == 0x0102;
    const std::uint64_t type = little(head, 16, 2);
    if (!is_64_bit_little || (type != kExec && type != kDyn))
        throw Error("it is an ELF file, but not a little-endian 64-bit executable");
    ElfFile elf{{}, little(head, 24, 8)};
    const std::uint64_t table = little(head, 32, 8);
    const std::uint64_t count = little(head, 56, 2);
    if (little(head, 54, 2) != kProgramHeader || table > head.size() ||
        count * kProgramHeader > head.size() - table)
        throw Error("it is an ELF file whose program headers are missing or out of reach");
    for (std::uint64_t i = 0; i < count; i++) {
        const std::uint64_t at = table + i * kProgramHeader;
        const ElfSegment segment{little(head, at + 8, 8), little(head, at + 32, 8),
                                 little(head, at + 16, 8), little(head, at + 24, 8),
                                 little(head, at + 40, 8)};
        const std::uint64_t kind = little(head, at, 4);
        if (kind == kInterp || kind == kTls)
            throw Error("it is a program that runs under Linux, not a kernel");
        if (kind != kLoad || segment.memory_size == 0)
            continue;
        check_segment(segment, file_size);
        elf.segments.push_back(segment);
    }
    if (elf.segments.empty())
        throw Error("it is an ELF file with nothing to load");
    return elf;
}

}  // namespace gh::boot
