// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/own_memory.h"

#include "base/fd.h"
#include "base/mapping.h"

#include <algorithm>
#include <vector>

#include <doctest/doctest.h>

#include <sys/mman.h>

namespace gh::driver {

using Reader = bool (*)(std::uint64_t, std::span<std::byte>) noexcept;
constexpr Reader kReaders[]{read_own, read_own_by_pipe};

TEST_CASE("own memory of any size is read as it is")
{
    std::vector<std::byte> from(20'001);
    for (std::size_t i = 0; i < from.size(); ++i)
        from[i] = static_cast<std::byte>(i * 7);
    for (const Reader reader : kReaders) {
        std::vector<std::byte> to(from.size());
        CHECK(reader(reinterpret_cast<std::uintptr_t>(from.data()), to));
        CHECK(to == from);
        CHECK(reader(0, {}));
    }
}

TEST_CASE("addresses where nothing is, or that end there, are an answer")
{
    const Mapping pages("two pages", 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    const auto start = reinterpret_cast<std::uintptr_t>(pages.data());
    REQUIRE(::mprotect(pages.data() + 4096, 4096, PROT_NONE) == 0);
    std::vector<std::byte> to(4097);
    for (const Reader reader : kReaders) {
        CHECK_FALSE(reader(0, to));
        CHECK_FALSE(reader(start, to));
        CHECK(reader(start, std::span(to).first(4096)));
    }
}

TEST_CASE("a mapping beyond the end of its file is an answer, not a SIGBUS")
{
    const Fd file = make_memfd("short", 4096);
    const Mapping pages("two pages", 8192, PROT_READ, MAP_SHARED, file.get());
    std::byte byte{};
    for (const Reader reader : kReaders)
        CHECK_FALSE(reader(reinterpret_cast<std::uintptr_t>(pages.data()) + 4096, {&byte, 1}));
}

}  // namespace gh::driver
