// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/address_space.h"

#include "base/mapping.h"

#include <array>

#include <doctest/doctest.h>

#include <sys/mman.h>

namespace gh::hyp {

struct SpaceFixture {
    alignas(4096) std::array<std::byte, 3 * 4096> bytes{};
    AddressSpace space{{{.at = Gpa{0x9000'0000},
                         .host = std::span(bytes).first(0x1000),
                         .writable = false,
                         .executable = true},
                        {.at = Gpa{0x8000'0000}, .host = std::span(bytes).last(0x2000)}},
                       Paging{},
                       [this] { ++flushes; }};
    int flushes = 0;

    [[nodiscard]] RamRange ram(std::uint64_t at, std::size_t offset, std::size_t size)
    {
        return {.at = Gpa{at}, .host = std::span(bytes).subspan(offset, size)};
    }
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

TEST_CASE_FIXTURE(SpaceFixture, "without demand paging the owner answers below 1 GiB alone")
{
    CHECK(space.is_vmmio(0));
    CHECK(space.is_vmmio(0x3fff'ffff));
    CHECK_FALSE(space.is_vmmio(0x4000'0000));
    CHECK_FALSE(space.is_paged(0));
    CHECK_FALSE(space.is_paged(0x8000'0000));
}

TEST_CASE("with demand paging all 36 bits but the info page are the owner's to fill")
{
    const AddressSpace space{{}, {true, {{Gpa{0x8000'0000}, 0x2000}}}, [] {}};
    for (const std::uint64_t ipa : {0ull, 0x4000'1000ull, 0x8000'0000ull, 0xf'ffff'ffffull})
        CHECK(space.is_paged(ipa));
    for (const std::uint64_t ipa : {0x4000'0000ull, 0x4000'0fffull, 0x10'0000'0000ull, ~0ull})
        CHECK_FALSE(space.is_paged(ipa));
    CHECK(space.is_vmmio(0x7fff'ffff));
    CHECK(space.is_vmmio(0x8000'2000));
    CHECK_FALSE(space.is_vmmio(0x8000'0000));
    CHECK_FALSE(space.is_vmmio(0x8000'1fff));
    CHECK_FALSE(space.is_vmmio(0x4000'0000));
}

TEST_CASE_FIXTURE(SpaceFixture, "memory can be added at any time, without telling the PEs")
{
    space.map(ram(0xa000'0000, 0, 0x1000));
    CHECK(space.page(0xa000'0010).host == bytes.data());
    CHECK(space.has_any({Gpa{0x9fff'f000}, 0x2000}));
    CHECK_FALSE(space.has_any({Gpa{0xa000'1000}, 0x1000}));
    CHECK(flushes == 0);
}

TEST_CASE_FIXTURE(SpaceFixture, "what is taken away is gone for the PEs when it is done")
{
    space.unmap({Gpa{0x8000'1000}, 0x1000'0000});  // the second page, and of the other the half
    CHECK(flushes == 1);
    CHECK(space.page(0x8000'0000).host != nullptr);
    CHECK(space.page(0x8000'1000).host == nullptr);
    CHECK(space.page(0x9000'0000).host == nullptr);
    space.unmap({Gpa{0x8000'1000}, 0x1000});
    CHECK(flushes == 1);  // there was nothing
}

TEST_CASE_FIXTURE(SpaceFixture, "a page out of the middle leaves both ends, and fits in again")
{
    space.unmap({Gpa{0}, ~0ull});
    space.map(ram(0x8000'0000, 0, 0x3000));
    space.unmap({Gpa{0x8000'1000}, 0x1000});
    CHECK(space.page(0x8000'0000).host == bytes.data());
    CHECK(space.page(0x8000'1000).host == nullptr);
    CHECK(space.page(0x8000'2000).host == bytes.data() + 0x2000);
    space.map(ram(0x8000'1000, 0x1000, 0x1000));
    CHECK(space.page(0x8000'1000).host == bytes.data() + 0x1000);
    CHECK(space.page(0x8000'2000).host == bytes.data() + 0x2000);
}

TEST_CASE_FIXTURE(SpaceFixture, "changes without end are flushed now and then, to forget the old")
{
    for (int n = 0; n < 200'000 && flushes == 0; ++n) {
        space.map(ram(0xa000'0000 + 0x2000ull * static_cast<unsigned>(n), 0, 0x1000));
    }
    CHECK(flushes == 1);
}

TEST_CASE_FIXTURE(SpaceFixture, "a guest modifies only what it has alone")
{
    bytes.fill(std::byte{7});
    RamRange alone = ram(0xa000'0000, 0, 0x1000);
    alone.guests_alone = true;
    space.map(alone);
    space.modify({.range = {Gpa{0}, ~0ull}, .unlock = true, .sanitise = true});
    CHECK(space.page(0xa000'0000).host == nullptr);
    CHECK(space.page(0x8000'0000).host != nullptr);
    CHECK(bytes[0] == std::byte{0});
    CHECK(bytes[0x1000] == std::byte{7});
}

TEST_CASE_FIXTURE(SpaceFixture,
                  "what is sanitised but not unlocked stays, and read-only memory cannot be")
{
    bytes.fill(std::byte{7});
    RamRange alone = ram(0xa000'0000, 0, 0x1000);
    alone.guests_alone = true;
    space.map(alone);
    const PageChange zero{.range = {Gpa{0xa000'0000}, 0x1000}, .unlock = false, .sanitise = true};
    CHECK(space.may_modify(zero));
    space.modify(zero);
    CHECK(space.page(0xa000'0000).host == bytes.data());
    CHECK(bytes[0] == std::byte{0});
    space.unmap(zero.range);
    alone.writable = false;
    space.map(alone);
    CHECK_FALSE(space.may_modify(zero));
    CHECK(space.may_modify({.range = zero.range, .unlock = true}));
}

TEST_CASE_FIXTURE(SpaceFixture, "memory of any size is sanitised to its last byte")
{
    const Mapping large{"test memory", 130ull << 20, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE};
    const std::array ends{&large.bytes().front(), &large.bytes().back()};
    for (const bool unlock : {false, true}) {
        for (std::byte* const end : ends)
            *end = std::byte{7};
        if (!unlock)
            space.map({.at = Gpa{0xa000'0000}, .host = large.bytes(), .guests_alone = true});
        space.modify({.range = {Gpa{0}, ~0ull}, .unlock = unlock, .sanitise = true});
        for (const std::byte* const end : ends)
            CHECK(*end == std::byte{0});
        CHECK((space.page(0xa000'0000 + large.size() - 1).host == nullptr) == unlock);
    }
}

}  // namespace gh::hyp
