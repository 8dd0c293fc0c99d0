// SPDX-License-Identifier: BSD-3-Clause
#include "boot/kernel.h"

#include "base/error.h"
#include "packed.h"

#include <algorithm>

using namespace gh;
using namespace gh::boot;

namespace {

constexpr Extent kRam{Gpa{0x8000'0000}, 32 << 20};
constexpr std::size_t kImage = 0x2'1234;
constexpr std::uint64_t kImageSize = 0x10'0000;

FileBytes loaded(const Kernel& kernel, Placing placing, Gpa at, std::size_t size)
{
    const GuestMemory memory({{0, kRam.at, kRam.size}});
    kernel.load(memory, kRam, placing);
    const auto bytes = *memory.range(at, size);
    return {bytes.begin(), bytes.end()};
}

std::string refusal(const FileBytes& bytes)
{
    const TemporaryFile file(bytes);
    try {
        const Kernel kernel(file.path());
        (void)kernel.extent(kRam);
        (void)loaded(kernel, Placing::Copy, kRam.at, 1);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

bool contains(const std::string& text, const char* part)
{
    return text.find(part) != std::string::npos;
}

FileBytes zboot(const FileBytes& payload)
{
    FileBytes bytes(512);
    put_text(bytes, 0, "MZ");
    put_text(bytes, 4, "zimg");
    put_little(bytes, 8, 512, 4);
    put_little(bytes, 12, payload.size(), 4);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    bytes.resize(bytes.size() + 100);  // what follows the payload
    return bytes;
}

/// One segment: `size` bytes of file at `address`, twice that in memory.
FileBytes elf(std::uint64_t virtual_address, std::uint64_t physical_address, std::uint64_t entry)
{
    constexpr std::size_t kOffset = 0x1000;
    constexpr std::size_t kSize = 0x1800;
    FileBytes bytes = pattern(kOffset + kSize);
    std::fill_n(bytes.begin(), kOffset, std::byte{0});
    put_text(bytes, 0,
             "\x7f"
             "ELF\x02\x01\x01");
    put_little(bytes, 16, 2, 2);
    put_little(bytes, 18, 183, 2);
    put_little(bytes, 24, entry, 8);
    put_little(bytes, 32, 64, 8);
    put_little(bytes, 54, 56, 2);
    put_little(bytes, 56, 1, 2);
    put_little(bytes, 64, 1, 4);
    put_little(bytes, 72, kOffset, 8);
    put_little(bytes, 80, virtual_address, 8);
    put_little(bytes, 88, physical_address, 8);
    put_little(bytes, 96, kSize, 8);
    put_little(bytes, 104, 2 * kSize, 8);
    return bytes;
}

}  // namespace

TEST_CASE("an Image, however it is packed, lands at the start of RAM with room for its .bss")
{
    const auto image = fake_image(kImage, kImageSize);
    for (const auto& packed : {image, gzip(image), zstd(image), lz4_frame(image), lz4_legacy(image),
                               zboot(gzip(image)), zboot(zstd(image))}) {
        const TemporaryFile file(packed);
        const Kernel kernel(file.path());
        CAPTURE(kernel.format());
        CHECK(kernel.extent(kRam).memory.at == kRam.at);
        CHECK(kernel.extent(kRam).memory.size == kImageSize);
        CHECK(kernel.extent(kRam).entry == kRam.at);
        CHECK(loaded(kernel, Placing::Copy, kRam.at, kImage) == image);
        CHECK(loaded(kernel, Placing::Map, kRam.at, kImage) == image);
    }
}

TEST_CASE("the format is named for people")
{
    const TemporaryFile file(zboot(gzip(fake_image(kImage, kImageSize))));
    CHECK(Kernel(file.path()).format() == "arm64 Image in EFI zboot, gzip");
}

TEST_CASE("text_offset moves the kernel from the start of RAM")
{
    const TemporaryFile file(fake_image(kImage, kImageSize, 0x8'0000));
    const auto extent = Kernel(file.path()).extent(kRam);
    CHECK(extent.memory.at == kRam.at + 0x8'0000);
    CHECK(extent.entry == kRam.at + 0x8'0000);
}

TEST_CASE("an Image of the old kind, without image_size, goes to 512 KiB")
{
    const TemporaryFile file(fake_image(kImage, 0));
    const auto extent = Kernel(file.path()).extent(kRam);
    CHECK(extent.memory.at == kRam.at + 0x8'0000);
    CHECK(extent.memory.size >= kImage);
}

TEST_CASE("a flat binary is taken as it is, where it is told to go")
{
    const auto bytes = pattern(kImage);
    const TemporaryFile file(bytes);
    const Kernel kernel(file.path(), 0x8010'0000);
    CHECK(kernel.extent(kRam).entry == Gpa{0x8010'0000});
    CHECK(loaded(kernel, Placing::Map, Gpa{0x8010'0000}, kImage) == bytes);
    CHECK_THROWS_WITH_AS((void)Kernel(file.path(), 0x4000'0000).extent(kRam),
                         doctest::Contains("not all in RAM"), Error);
}

TEST_CASE("an ELF file with kernel addresses goes to the start of RAM")
{
    const auto bytes = elf(0xffff'8000'0801'0000, 0xffff'8000'0801'0000, 0xffff'8000'0801'0040);
    const TemporaryFile file(bytes);
    const Kernel kernel(file.path());
    CHECK(kernel.extent(kRam).memory.at == kRam.at + 0x1'0000);
    CHECK(kernel.extent(kRam).memory.size == 0x3000);
    CHECK(kernel.extent(kRam).entry == kRam.at + 0x1'0040);
    const auto body = loaded(kernel, Placing::Map, kRam.at + 0x1'0000, 0x1800);
    CHECK(std::equal(body.begin(), body.end(), bytes.begin() + 0x1000));
}

TEST_CASE("an ELF file with physical addresses in RAM goes there")
{
    const TemporaryFile file(elf(0xffff'8000'0000'0000, 0x8040'0000, 0x8040'0010));
    const auto extent = Kernel(file.path()).extent(kRam);
    CHECK(extent.memory.at == Gpa{0x8040'0000});
    CHECK(extent.entry == Gpa{0x8040'0010});
}

TEST_CASE("what cannot be booted is refused with its reason")
{
    const auto image = fake_image(kImage, kImageSize);
    auto short_gzip = gzip(image);
    short_gzip.resize(short_gzip.size() / 2);
    auto x86 = pattern(4096);
    put_text(x86, 0x202, "HdrS");
    CHECK(contains(refusal(x86), "not an arm64 kernel but an x86 kernel (bzImage)"));
    CHECK(contains(refusal(gzip(x86)), "(bzImage) inside gzip data"));
    CHECK(contains(refusal(pattern(100)), "neither an arm64 Image"));
    CHECK(contains(refusal(short_gzip), "truncated"));
    CHECK(contains(refusal(fake_image(kImage, 64 << 20)), "not all in RAM"));
    CHECK(contains(refusal(gzip(fake_image(kImageSize + 1, kImageSize))), "more than"));
    CHECK(contains(refusal(elf(0x1000, 0x1000, 0x9'0000)), "entry point 0x90000"));
}

TEST_CASE(
    "a program for Linux is told from a kernel by its interpreter or its thread-local storage")
{
    for (const unsigned kind : {3u, 7u}) {
        auto program = elf(0x40'0000, 0x40'0000, 0x40'0000);
        put_little(program, 56, 2, 2);
        put_little(program, 64 + 56, kind, 4);
        CHECK(contains(refusal(program), "a program that runs under Linux"));
    }
}

TEST_CASE("truncated files are found by their own headers")
{
    auto packed = zboot(gzip(fake_image(kImage, kImageSize)));
    packed.resize(600);
    CHECK(contains(refusal(packed), "zboot image is truncated"));
    auto half = elf(0x8000'0000, 0x8000'0000, 0x8000'0000);
    half.resize(0x1200);
    CHECK(contains(refusal(half), "it is truncated"));
}

TEST_CASE("a kernel that is no regular file, or empty, or missing is refused")
{
    const TemporaryFile empty(std::uint64_t{0});
    CHECK_THROWS_WITH_AS((void)Kernel(empty.path()), doctest::Contains("empty"), Error);
    CHECK_THROWS_WITH_AS((void)Kernel("/dev/null"), doctest::Contains("regular file"), Error);
    CHECK_THROWS_WITH_AS((void)Kernel("/nonexistent/Image"), doctest::Contains("No such file"),
                         Error);
}

TEST_CASE("a kernel can be given as an open descriptor")
{
    const TemporaryFile file(fake_image(kImage, kImageSize));
    CHECK(Kernel("/proc/self/fd/" + std::to_string(file.fd())).format() == "arm64 Image");
}
