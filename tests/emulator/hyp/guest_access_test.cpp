// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/guest_access.h"

#include "guest_pages.h"

#include <array>

#include <doctest/doctest.h>

namespace gh::hyp {

constexpr std::uint64_t kTable = 0x8000'0000;  // level 3, of which 39-bit addresses use index 0
constexpr std::uint64_t kFirst = 0x8001'0000;
constexpr std::uint64_t kSecond = 0x8005'0000;
constexpr std::uint64_t kVa = 0x20'0000;    // maps kFirst, kSecond, then nothing
constexpr std::uint64_t kPageBits = 0x403;  // valid page, access flag
constexpr std::uint64_t kReadOnly = 0x80;
constexpr std::uint64_t kUser = 0x40;

/// Stage 1 on, with two pages that lie next to each other only for the guest.
struct AccessFixture {
    AccessFixture()
    {
        for (const std::uint64_t ipa : {kTable, kTable + 0x1000, kTable + 0x2000, kFirst, kSecond})
            pages.add(ipa);
        pages.put(kTable, (kTable + 0x1000) | 3);
        pages.put(kTable + 0x1008, (kTable + 0x2000) | 3);
        map(0, kFirst | kPageBits);
        map(1, kSecond | kPageBits);
        state.sctlr_el1 |= 1;
        // 39 bits, 4 KiB, addresses of 48 bits, nothing in the upper half.
        state.tcr_el1 = 25 | 25ull << 16 | 1ull << 23 | 2ull << 30 | 5ull << 32;
        state.ttbr0_el1 = kTable;
    }
    void map(unsigned index, std::uint64_t descriptor)
    {
        pages.put(kTable + 0x2000 + 8 * index, descriptor);
    }
    CallError read(std::uint64_t va, std::size_t size)
    {
        return memory.read(va, std::span(buffer).first(size));
    }
    CallError write(std::uint64_t va, std::size_t size)
    {
        return memory.write(va, std::span(buffer).first(size));
    }

    GuestPages pages;
    cpu::State state;
    GuestAccess memory{state, pages};
    std::array<std::byte, 0x2000> buffer{};
};

TEST_CASE_FIXTURE(AccessFixture, "a range over two pages is taken from where stage 1 has each")
{
    pages.put(kFirst + 0xff8, 0x1111'1111'1111'1111);
    pages.put(kSecond, 0x2222'2222'2222'2222);
    CHECK(read(kVa + 0xff8, 16) == kOk);
    CHECK(buffer[7] == std::byte{0x11});
    CHECK(buffer[8] == std::byte{0x22});
    CHECK(write(kVa + 0xffc, 8) == kOk);
    CHECK(pages.page(kSecond).host[3] == std::byte{0x11});
    CHECK(read(kVa, 0x2000) == kOk);
}

TEST_CASE_FIXTURE(AccessFixture, "what stage 1 does not map is an invalid argument")
{
    CHECK(read(kVa + 0x1ff8, 16) == kArgumentInvalid);
    CHECK(read(kVa - 8, 8) == kArgumentInvalid);
    CHECK(read(0xffff'0000'0000'0000, 8) == kArgumentInvalid);
    map(1, kSecond | kPageBits | kReadOnly);
    CHECK(read(kVa + 0x1000, 8) == kOk);
    CHECK(write(kVa + 0x1000, 8) == kArgumentInvalid);
    map(1, kSecond | (kPageBits & ~0x400ull));  // no access flag
    CHECK(read(kVa + 0x1000, 8) == kArgumentInvalid);
}

TEST_CASE_FIXTURE(AccessFixture, "what stage 1 maps and is no RAM is an invalid address")
{
    map(1, 0x1000 | kPageBits);
    CHECK(read(kVa + 0x1000, 8) == kAddressInvalid);
    pages.put(kTable + 0x1008, 0x2000 | 3);  // the table itself
    CHECK(read(kVa, 8) == kAddressInvalid);
}

TEST_CASE_FIXTURE(AccessFixture, "RAM that is not the guest's to write is denied")
{
    pages.add(kSecond, false);
    CHECK(write(kVa + 0x1000, 8) == kDenied);
    CHECK(write(kVa + 0xffc, 8) == kDenied);
    CHECK(read(kVa + 0x1000, 8) == kOk);
}

TEST_CASE_FIXTURE(AccessFixture,
                  "a range that wraps is an overflow, its last byte may be the last of all")
{
    CHECK(read(~0ull, 2) == kAddressOverflow);
    CHECK(read(~0ull - 7, 8) == kArgumentInvalid);
}

TEST_CASE_FIXTURE(AccessFixture, "PAN does not matter, and stays")
{
    map(0, kFirst | kPageBits | kUser);
    state.pan = true;
    CHECK(read(kVa, 8) == kOk);
    CHECK(state.pan);
}

}  // namespace gh::hyp
