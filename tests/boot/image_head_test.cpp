// SPDX-License-Identifier: BSD-3-Clause
#include "boot/image_head.h"

#include "fake_image.h"

using namespace gh;
using namespace gh::boot;

namespace {

FileBytes bytes_with(std::size_t at, const std::string& magic)
{
    FileBytes bytes(4096);
    put_text(bytes, at, magic);
    return bytes;
}

FileBytes elf_for(std::uint64_t machine)
{
    FileBytes bytes = bytes_with(0,
                                 "\x7f"
                                 "ELF\x02\x01\x01");
    put_little(bytes, 16, 2, 2);
    put_little(bytes, 18, machine, 2);
    return bytes;
}

bool names(const FileBytes& bytes, const char* what)
{
    return name_foreign(bytes).find(what) != std::string::npos;
}

}  // namespace

TEST_CASE("the arm64 header is read where the boot protocol puts it")
{
    const auto header = read_arm64_header(fake_image(4096, 0x123'4000, 0x8'0000));
    REQUIRE(header.has_value());
    CHECK(header->text_offset == 0x8'0000);
    CHECK(header->image_size == 0x123'4000);
    CHECK(header->flags == 0xa);
    CHECK_FALSE(read_arm64_header(Bytes(fake_image(64, 0)).first(63)));
}

TEST_CASE("compressed files are known by their first bytes")
{
    CHECK(packing_of(bytes_with(0, "\x1f\x8b\x08")) == Packing::Gzip);
    CHECK(packing_of(bytes_with(0, "\x28\xb5\x2f\xfd")) == Packing::Zstd);
    CHECK(packing_of(bytes_with(0, "\x04\x22\x4d\x18")) == Packing::Lz4);
    CHECK(packing_of(bytes_with(0, "\x02\x21\x4c\x18")) == Packing::Lz4);
    CHECK(packing_of(fake_image(4096, 0)) == Packing::None);
}

TEST_CASE("a wrong file is called by its name")
{
    CHECK(names(bytes_with(0x202, "HdrS"), "x86 kernel (bzImage)"));
    CHECK(names(bytes_with(0x24, "\x18\x28\x6f\x01"), "32-bit Arm kernel (zImage)"));
    CHECK(names(bytes_with(0x38, "RSC\x05"), "RISC-V"));
    CHECK(names(elf_for(62), "ELF file for x86-64"));
    CHECK(names(elf_for(3), "32-bit x86"));
    CHECK(names(elf_for(40), "32-bit Arm"));
    CHECK(names(elf_for(9999), "machine number 9999"));
    CHECK(names(bytes_with(0, "ANDROID!"), "Android boot image"));
    CHECK(names(bytes_with(0,
                           "\xfd"
                           "7zXZ"),
                "unxz"));
    CHECK(names(bytes_with(0, "070701"), "cpio"));
    CHECK(names({}, "empty"));
    CHECK(name_foreign(pattern(4096)).empty());
}

TEST_CASE("the end of a PE file is that of its last section")
{
    FileBytes image = fake_image(4096, 0);
    CHECK(pe_end(image) == 0);
    put_text(image, 0, "MZ");
    put_little(image, 60, 64, 4);
    put_text(image, 64, std::string("PE\0\0", 4));
    put_little(image, 64 + 6, 2, 2);
    put_little(image, 64 + 20, 0xf0, 2);
    const std::size_t section = 64 + 24 + 0xf0;
    put_little(image, section + 16, 0x1000, 4);
    put_little(image, section + 20, 0x1000, 4);
    put_little(image, section + 40 + 16, 0x500, 4);
    put_little(image, section + 40 + 20, 0x2000, 4);
    CHECK(pe_end(image) == 0x2500);
}
