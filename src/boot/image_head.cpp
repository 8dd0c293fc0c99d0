// SPDX-License-Identifier: BSD-3-Clause
#include "boot/image_head.h"

#include "base/bits.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace gh::boot {
namespace {

using namespace std::string_view_literals;

bool has(Bytes bytes, std::size_t at, std::string_view magic)
{
    return bytes.size() >= at + magic.size() &&
           std::equal(magic.begin(), magic.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at),
                      [](char a, std::byte b) { return static_cast<std::byte>(a) == b; });
}

struct Magic {
    std::size_t at;
    std::string_view bytes;
    const char* meaning;
};

// The first that fits is named, so the more telling ones come first.
constexpr std::array kForeign = {
    Magic{0x202, "HdrS"sv, "an x86 kernel (bzImage)"},
    Magic{0x24, "\x18\x28\x6f\x01"sv, "a 32-bit Arm kernel (zImage)"},
    Magic{0x38, "RSC\x05"sv, "a RISC-V kernel (Image)"},
    Magic{0x30, "RISCV\0\0\0"sv, "a RISC-V kernel (Image)"},
    Magic{0x8, "\xcd\x23\x82\x81"sv, "a LoongArch kernel"},
    Magic{0, "ANDROID!"sv, "an Android boot image (unpack_bootimg takes the kernel out)"},
    Magic{0, "\x27\x05\x19\x56"sv, "a U-Boot image (dumpimage takes the kernel out)"},
    Magic{0, "\xd0\x0d\xfe\xed"sv, "a devicetree or a U-Boot FIT image"},
    Magic{0,
          "\xfd"
          "7zXZ\0"sv,
          "compressed with xz, which is not supported (unxz it first)"},
    Magic{0, "BZh"sv, "compressed with bzip2, which is not supported (bunzip2 it first)"},
    Magic{0, "\x5d\0\0"sv, "compressed with lzma, which is not supported (unlzma it first)"},
    Magic{0, "\x89LZO"sv, "compressed with lzop, which is not supported (lzop -d it first)"},
    Magic{0, "070701"sv, "a cpio archive: is this the initrd?"},
    Magic{0,
          "\x7f"
          "ELF"sv,
          "an ELF file of a kind that cannot be booted"},
    Magic{0, "MZ"sv, "an EFI or Windows program without an arm64 Image header"},
    Magic{0, "#!"sv, "a script"},
};

struct Machine {
    std::uint64_t number;
    const char* name;
};
constexpr std::array kElfMachines = {
    Machine{3, "32-bit x86"}, Machine{8, "MIPS"},        Machine{21, "64-bit PowerPC"},
    Machine{22, "S/390"},     Machine{40, "32-bit Arm"}, Machine{62, "x86-64"},
    Machine{243, "RISC-V"},   Machine{258, "LoongArch"},
};

constexpr std::uint64_t kElfAArch64 = 183;

std::string name_elf(Bytes head)
{
    const std::uint64_t machine = little(head, 18, 2);
    if (machine == kElfAArch64)
        return "";
    for (const auto& known : kElfMachines)
        if (known.number == machine)
            return std::string("an ELF file for ") + known.name;
    return "an ELF file for machine number " + std::to_string(machine);
}

}  // namespace

std::uint64_t little(Bytes bytes, std::size_t at, std::size_t size)
{
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;)
        value = value << 8 | (at < bytes.size() && i < bytes.size() - at
                                  ? std::to_integer<std::uint64_t>(bytes[at + i])
                                  : 0);
    return value;
}

std::optional<Arm64Header> read_arm64_header(Bytes head)
{
    if (head.size() < 64 || !has(head, 56, "ARMd"))  // "ARM\x64"
        return std::nullopt;
    return Arm64Header{little(head, 8, 8), little(head, 16, 8), little(head, 24, 8)};
}

bool is_elf(Bytes head)
{
    return has(head, 0,
               "\x7f"
               "ELF");
}

Packing packing_of(Bytes head)
{
    if (has(head, 0, "\x1f\x8b"))
        return Packing::Gzip;
    if (has(head, 0, "\x28\xb5\x2f\xfd"))
        return Packing::Zstd;
    if (has(head, 0, "\x04\x22\x4d\x18") || has(head, 0, "\x02\x21\x4c\x18"))
        return Packing::Lz4;
    return Packing::None;
}

const char* name_of(Packing packing)
{
    switch (packing) {
    case Packing::None: return "uncompressed";
    case Packing::Gzip: return "gzip";
    case Packing::Lz4: return "lz4";
    case Packing::Zstd: return "zstd";
    }
    return "?";
}

std::optional<ZbootPayload> read_zboot(Bytes head)
{
    if (!has(head, 0, "MZ") || !has(head, 4, "zimg"))
        return std::nullopt;
    return ZbootPayload{little(head, 8, 4), little(head, 12, 4)};
}

std::uint64_t pe_end(Bytes head)
{
    constexpr std::size_t kFileHeader = 24;
    constexpr std::size_t kSection = 40;
    const std::size_t pe = little(head, 60, 4);
    if (!has(head, 0, "MZ") || !has(head, pe, "PE\0\0"sv))
        return 0;
    const std::size_t sections = little(head, pe + 6, 2);
    std::size_t at = pe + kFileHeader + little(head, pe + 20, 2);
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < sections && at + kSection <= head.size(); i++, at += kSection)
        end = std::max(end, little(head, at + 20, 4) + little(head, at + 16, 4));
    return end;
}

std::string name_foreign(Bytes head)
{
    if (head.empty())
        return "empty";
    if (is_elf(head))
        if (auto name = name_elf(head); !name.empty())
            return name;
    for (const auto& magic : kForeign)
        if (has(head, magic.at, magic.bytes))
            return magic.meaning;
    return "";
}

}  // namespace gh::boot
