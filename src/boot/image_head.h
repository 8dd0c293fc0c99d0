// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

/// What the first bytes of a kernel file say. Pure functions; sources: Documentation/arch/arm64/
/// booting.rst (the 64-byte header), drivers/firmware/efi/libstub/zboot-header.S, the ELF
/// specification, the magic numbers of the formats.
namespace gh::boot {

using Bytes = std::span<const std::byte>;

enum class Packing { None, Gzip, Lz4, Zstd };

/// The header of an arm64 Image.
struct Arm64Header {
    std::uint64_t text_offset = 0;  // from a 2 MiB boundary
    std::uint64_t image_size = 0;   // in memory, .bss included; 0 before Linux 3.17
    std::uint64_t flags = 0;
};

/// nullopt: no arm64 Image starts like this.
[[nodiscard]] std::optional<Arm64Header> read_arm64_header(Bytes head);

[[nodiscard]] bool is_elf(Bytes head);

/// How the file is compressed, by its magic number.
[[nodiscard]] Packing packing_of(Bytes head);
[[nodiscard]] const char* name_of(Packing packing);

/// The compressed kernel inside an EFI zboot image (vmlinuz.efi).
struct ZbootPayload {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};
[[nodiscard]] std::optional<ZbootPayload> read_zboot(Bytes head);

/// The last byte that the PE section table (there is one where the EFI stub is built in) says the
/// file has; 0 without one. `head` should hold the first 4 KiB.
[[nodiscard]] std::uint64_t pe_end(Bytes head);

/// What a file that is no arm64 kernel is instead, as far as it can be told: "an x86 kernel
/// (bzImage)". Empty: no idea.
[[nodiscard]] std::string name_foreign(Bytes head);

/// Little-endian numbers in a file's bytes; 0 where the file ends before.
[[nodiscard]] std::uint64_t little(Bytes bytes, std::size_t at, std::size_t size);

}  // namespace gh::boot
