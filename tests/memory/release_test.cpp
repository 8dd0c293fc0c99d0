// SPDX-License-Identifier: BSD-3-Clause
#include "memory/release.h"

#include "memory/guest_memory.h"

#include <algorithm>

#include <doctest/doctest.h>

#include <sys/stat.h>

namespace gh {
namespace {

constexpr std::uint64_t kSize = 1 << 20;

std::uint64_t held(const MemoryRegion& region)
{
    struct stat status {};
    REQUIRE(::fstat(region.fd(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
}

}  // namespace

TEST_CASE("released pages cost the host nothing and read as zeros, whole ones alone")
{
    RegionSpec spec;
    spec.base = Gpa{0x8000'0000};
    spec.size = kSize;
    const MemoryRegion region(spec);
    const auto host = region.host();
    std::fill(host.begin(), host.end(), std::byte{7});
    CHECK(held(region) == kSize);
    CHECK(release_pages(host.subspan(0x1000, 0x8000)));
    CHECK(held(region) == kSize - 0x8000);
    CHECK(host[0xfff] == std::byte{7});
    CHECK(host[0x1000] == std::byte{0});
    CHECK(host[0x8fff] == std::byte{0});
    CHECK(host[0x9000] == std::byte{7});
    CHECK(release_pages(host.subspan(0xa001, 0x1ffe)));
    CHECK(host[0xafff] == std::byte{7});
    CHECK(host[0xb000] == std::byte{7});
    CHECK(release_pages(host.subspan(0xa001, 10)));
    CHECK(host[0xa001] == std::byte{7});
}

}  // namespace gh
