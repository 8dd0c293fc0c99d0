// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/address_space.h"

#include <array>

#include <doctest/doctest.h>

namespace gh::hyp {

struct SpaceFixture {
    alignas(4096) std::array<std::byte, 3 * 4096> bytes{};
    AddressSpace space{{{.at = Gpa{0x9000'0000},
                         .host = std::span(bytes).first(0x1000),
                         .writable = false,
                         .executable = true},
                        {.at = Gpa{0x8000'0000}, .host = std::span(bytes).last(0x2000)}}};
};

TEST_CASE_FIXTURE(SpaceFixture, "a guest page is found by any of its bytes")
{
    CHECK(space.page(0x8000'0000).host == bytes.data() + 0x1000);
    CHECK(space.page(0x8000'1fff).host == bytes.data() + 0x2000);
    CHECK(space.page(0x9000'0800).host == bytes.data());
}

TEST_CASE_FIXTURE(SpaceFixture, "a page carries its range's permissions")
{
    CHECK_FALSE(space.page(0x9000'0000).writable);
    CHECK(space.page(0x9000'0000).executable);
    CHECK(space.page(0x8000'0000).writable);
}

TEST_CASE_FIXTURE(SpaceFixture, "beside the ranges there is nothing")
{
    for (const std::uint64_t ipa : {0ull, 0x7fff'ffffull, 0x8000'2000ull, 0x9000'1000ull, ~0ull})
        CHECK(space.page(ipa).host == nullptr);
}

TEST_CASE_FIXTURE(SpaceFixture, "the info page reads zero and can be nothing but read")
{
    const cpu::Page page = space.page(0x4000'0fff);
    CHECK(page.host[123] == std::byte{0});
    CHECK_FALSE(page.writable);
    CHECK_FALSE(page.executable);
    CHECK(space.page(0x4000'1000).host == nullptr);
}

TEST_CASE("the owner answers below 1 GiB and nowhere else")
{
    CHECK(AddressSpace::is_vmmio(0));
    CHECK(AddressSpace::is_vmmio(0x3fff'ffff));
    CHECK_FALSE(AddressSpace::is_vmmio(0x4000'0000));
}

}  // namespace gh::hyp
