// SPDX-License-Identifier: BSD-3-Clause
#include "memory/guest_memory.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace gh;

namespace {

constexpr Gpa kBase{0x8000'0000};
constexpr std::uint64_t kSize = 4 << 20;

/// A file of `size` bytes, byte i being i * 7, removed at the end.
struct PatternFile {
    explicit PatternFile(std::size_t size) : fd(::mkstemp(path.data()))
    {
        std::vector<std::byte> bytes(size);
        for (std::size_t i = 0; i < size; i++)
            bytes[i] = static_cast<std::byte>(i * 7);
        REQUIRE(::write(fd.get(), bytes.data(), size) == static_cast<ssize_t>(size));
    }
    ~PatternFile() { ::unlink(path.c_str()); }
    std::string path = "/tmp/gh-memory-XXXXXX";
    Fd fd;
};

GuestMemory plain_memory()
{
    return GuestMemory({{0, kBase, kSize}});
}

std::size_t resident_pages(std::span<std::byte> bytes)
{
    std::vector<unsigned char> pages(bytes.size() / 4096);
    REQUIRE(::mincore(bytes.data(), bytes.size(), pages.data()) == 0);
    return static_cast<std::size_t>(
        std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return page & 1; }));
}

}  // namespace

TEST_CASE("a range is found whole in its region or not at all")
{
    const auto memory = plain_memory();
    CHECK(memory.range(kBase, kSize).has_value());
    CHECK(memory.range(kBase + (kSize - 1), 1).has_value());
    CHECK_FALSE(memory.range(kBase + (kSize - 1), 2).has_value());
    CHECK_FALSE(memory.range(Gpa{raw(kBase) - 1}, 1).has_value());
    CHECK_FALSE(memory.range(kBase + 16, ~std::uint64_t{0}).has_value());
    CHECK_FALSE(memory.range(Gpa{~std::uint64_t{0}}, 2).has_value());
}

TEST_CASE("a range does not run on into the next region")
{
    const GuestMemory memory({{0, kBase, kSize}, {1, kBase + kSize, kSize}});
    CHECK_FALSE(memory.range(kBase + (kSize - 4), 8).has_value());
    CHECK(memory.region_at(kBase + kSize)->label() == 1);
}

TEST_CASE("memory takes no pages before it is touched")
{
    const auto memory = plain_memory();
    CHECK(resident_pages(memory.regions()[0].host()) == 0);
    CHECK(memory.write(kBase + 0x5000, std::array{std::byte{1}}));
    CHECK(resident_pages(memory.regions()[0].host()) == 1);
}

TEST_CASE("prefaulted memory has all its pages from the beginning")
{
    const GuestMemory memory{{{.base = kBase, .size = kSize, .prefault = true}}};
    CHECK(resident_pages(memory.regions()[0].host()) == kSize / 4096);
}

TEST_CASE("prefaulting around an address stays in the region, at its ends too")
{
    constexpr std::uint64_t kBlock = 2ull << 20;
    const GuestMemory memory{{{.base = kBase + 0x1000, .size = kBlock}}};
    const MemoryRegion& region = memory.regions()[0];
    region.populate_around(region.base());
    CHECK(resident_pages(region.host()) == kBlock / 4096 - 1);
    region.populate_around(region.base() + (kBlock - 1));
    CHECK(resident_pages(region.host()) == kBlock / 4096);
}

TEST_CASE("host and guest addresses agree modulo 2 MiB")
{
    const GuestMemory memory({{0, Gpa{0x9000'3000}, kSize}});
    const auto host = reinterpret_cast<std::uintptr_t>(memory.regions()[0].host().data());
    CHECK((host & 0x1f'ffff) == 0x3000);
}

TEST_CASE("a child does not inherit guest memory")
{
    const auto memory = plain_memory();
    std::byte* const at = memory.range(kBase, 1)->data();
    *at = std::byte{0x5a};
    const pid_t child = ::fork();
    if (child == 0) {
        // Something else may lie there by now: thread sanitizer starts a thread.
        unsigned char page = 0;
        const bool gone = ::mincore(at, 4096, &page) != 0 && errno == ENOMEM;
        ::_exit(gone || *at != std::byte{0x5a} ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
}

TEST_CASE("overlapping regions and doubled labels are refused")
{
    CHECK_THROWS_AS(GuestMemory({{0, kBase, kSize}, {1, kBase + 0x1000, kSize}}), Error);
    CHECK_THROWS_AS(GuestMemory({{1, kBase + 0x1000, kSize}, {0, kBase, kSize}}), Error);
    CHECK_THROWS_AS(GuestMemory({{3, kBase, kSize}, {3, kBase + kSize, kSize}}), Error);
}

TEST_CASE("a shared file region writes to the file, a copy on write does not")
{
    PatternFile file(0x2000);
    const auto written = [&](bool copy_on_write) {
        RegionSpec spec{0, kBase, 0x1000, file.path, 0x1000};
        spec.copy_on_write = copy_on_write;
        const GuestMemory memory({spec});
        CHECK((*memory.range(kBase + 3, 1))[0] == std::byte{(0x1003 * 7) & 0xff});
        CHECK(memory.write(kBase, std::array{std::byte{0xee}}));
        std::byte there{};
        CHECK(::pread(file.fd.get(), &there, 1, 0x1000) == 1);
        return there == std::byte{0xee};
    };
    CHECK_FALSE(written(true));
    CHECK(written(false));
}

TEST_CASE("a file that is too short is an error that says how long it must be")
{
    PatternFile file(0x1fff);
    CHECK_THROWS_WITH_AS(GuestMemory({{0, kBase, 0x1000, file.path, 0x1000}}),
                         doctest::Contains("8191 bytes, 8192 are needed"), Error);
}

TEST_CASE("a file placed by mapping and by reading gives the same bytes")
{
    const std::size_t size = 0x3123;
    PatternFile file(size + 0x100);
    const auto mapped = plain_memory();
    const auto copied = plain_memory();
    CHECK(mapped.map_file(kBase + 0x1000, {file.fd.get(), 0, size}));
    copied.read_file(kBase + 0x1000, {file.fd.get(), 0, size});
    const auto a = *mapped.range(kBase, kSize);
    const auto b = *copied.range(kBase, kSize);
    CHECK(std::equal(a.begin(), a.end(), b.begin()));
    CHECK(a[0x1000 + size - 1] == std::byte{static_cast<unsigned char>((size - 1) * 7)});
    CHECK(a[0x1000 + size] == std::byte{0});
}

TEST_CASE("the guest's writes to a mapped file stay out of the file")
{
    PatternFile file(0x1000);
    const auto memory = plain_memory();
    CHECK(memory.map_file(kBase, {file.fd.get(), 0, 0x1000}));
    CHECK(memory.write(kBase, std::array{std::byte{0xee}}));
    std::byte there{0xff};
    CHECK(::pread(file.fd.get(), &there, 1, 0) == 1);
    CHECK(there == std::byte{0});
}

TEST_CASE("mapping is declined where pages do not line up or the file's memory would be hidden")
{
    PatternFile file(0x4000);
    const auto memory = plain_memory();
    CHECK_FALSE(memory.map_file(kBase + 0x10, {file.fd.get(), 0, 0x1000}));
    CHECK_FALSE(memory.map_file(kBase, {file.fd.get(), 0x10, 0x1000}));
    CHECK_FALSE(memory.map_file(kBase + (kSize - 0x1000), {file.fd.get(), 0, 0x2000}));
    const GuestMemory on_file({{0, kBase, 0x2000, file.path}});
    CHECK_FALSE(on_file.map_file(kBase, {file.fd.get(), 0, 0x1000}));
}

TEST_CASE("a file that ends early or does not fit is an error")
{
    PatternFile file(0x1000);
    const auto memory = plain_memory();
    CHECK_THROWS_AS(memory.read_file(kBase, {file.fd.get(), 0, 0x1001}), Error);
    CHECK_THROWS_AS(memory.read_file(kBase + (kSize - 1), {file.fd.get(), 0, 2}), Error);
}
