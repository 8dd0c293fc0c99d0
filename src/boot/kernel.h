// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/mapping.h"
#include "boot/elf.h"
#include "boot/image_head.h"
#include "memory/guest_memory.h"

#include <optional>
#include <string>
#include <vector>

namespace gh::boot {

/// A stretch of guest-physical memory.
struct Extent {
    Gpa at{};
    std::uint64_t size = 0;

    [[nodiscard]] Gpa end() const { return at + size; }
    [[nodiscard]] bool meets(const Extent& other) const
    {
        return at - other.at < other.size || other.at - at < size;
    }
};

/// How files come into guest memory: mapped where pages line up (the page cache serves them,
/// nothing is copied), or read. A driver that pins or lends pages takes only Copy.
enum class Placing { Map, Copy };

/// Where a kernel will lie: all it occupies once it runs (.bss included), and where it starts.
struct KernelExtent {
    Extent memory;
    Gpa entry{};
};

/// A kernel file: arm64 Image (plain, gzip, lz4, zstd, or packed in an EFI zboot image), AArch64
/// ELF, or any bytes at an address of the caller's. Only the beginning is read before load().
class Kernel {
public:
    /// Throws Error: not a regular file, not an arm64 kernel (says what it is), truncated.
    /// `flat_address`: take the file as it is, to be put and entered there.
    explicit Kernel(std::string path, std::optional<std::uint64_t> flat_address = {});

    /// "arm64 Image, gzip": for people.
    [[nodiscard]] std::string format() const;

    /// Where it goes in RAM. Throws Error with the numbers where it does not fit.
    [[nodiscard]] KernelExtent extent(const Extent& ram) const;

    /// Puts it where extent() said. Throws Error.
    void load(const GuestMemory& memory, const Extent& ram, Placing placing) const;

private:
    enum class Form { Image, Elf, Flat };

    [[noreturn]] void refuse(const std::string& why) const;
    void recognise(Bytes head);
    void check_image() const;
    [[nodiscard]] Bytes source() const;
    [[nodiscard]] KernelExtent image_extent(const Extent& ram) const;
    [[nodiscard]] KernelExtent elf_extent(const Extent& ram) const;
    [[nodiscard]] std::uint64_t segment_address(const ElfSegment& segment, const Extent& ram) const;
    [[nodiscard]] bool has_physical_addresses(const Extent& ram) const;
    void load_elf(const GuestMemory& memory, const Extent& ram, Placing placing) const;

    std::string path_;
    Fd file_;
    Mapping bytes_;  // the whole file, read-only
    Form form_ = Form::Image;
    bool zboot_ = false;
    Packing packing_ = Packing::None;
    std::uint64_t offset_ = 0;  // of the (packed) kernel in the file
    std::uint64_t size_ = 0;
    Arm64Header header_;
    ElfFile elf_;
    std::uint64_t flat_address_ = 0;
};

/// Puts a file, or a part of it, at `at`. Throws Error.
void load_file(const GuestMemory& memory, Gpa at, const FileRange& from, Placing placing);

}  // namespace gh::boot
