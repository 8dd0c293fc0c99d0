// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/rewind.h"

#include "rig.h"

#include <algorithm>

#include <doctest/doctest.h>

namespace gh::cpu::test {
namespace {

constexpr std::uint64_t kData = Rig::kRam + 0x1ffc;

struct RewindRig {
    RewindRig() { rewind.mark(); }
    void store(std::uint64_t at, std::byte value)
    {
        REQUIRE(rewind.expect({.address = at, .size = 8, .write = true}));
        std::fill_n(rig.ram.begin() + static_cast<std::ptrdiff_t>(at - Rig::kRam), 8, value);
    }
    std::byte byte(std::uint64_t at) { return rig.ram[at - Rig::kRam]; }

    Rig rig{};
    Cpu& cpu = rig.cpu;
    Rewind rewind{cpu};
};

}  // namespace

TEST_CASE("a PE goes back with its memory, stores that overlap included")
{
    RewindRig t;
    t.store(kData, std::byte{1});  // into two pages
    t.store(kData + 4, std::byte{2});
    t.rig.x(3) = 4;
    t.cpu.exclusive().host = t.rig.ram.data();
    t.rewind.undo();
    CHECK(t.rig.x(3) == 0);
    CHECK(t.cpu.exclusive().host == nullptr);
    for (unsigned i = 0; i < 12; ++i)
        CHECK(t.byte(kData + i) == std::byte{0});
    REQUIRE(t.rewind.stored().size() == 3);
    CHECK(t.rewind.stored()[0].va == kData);
    CHECK(t.rewind.stored()[0].size == 4);
    CHECK(t.rewind.stored()[0].after[0] == std::byte{1});
    CHECK(t.rewind.stored()[1].after[0] == std::byte{2});  // as it was at the end
}

TEST_CASE("what a PE sees after it went back is what it saw before an exception")
{
    RewindRig t;
    t.rig.put(Rig::kRam, {0xd400'0001});  // svc #0
    t.cpu.state().vbar_el1 = Rig::kRam + 0x800;
    t.rig.put(Rig::kRam + 0xa00, {Rig::kHvc});
    t.rewind.mark();
    const State before = t.cpu.state();
    t.rig.run();
    REQUIRE(!(t.cpu.state() == before));
    t.rewind.undo();
    CHECK(t.cpu.state() == before);
}

TEST_CASE("an access to a device cannot be taken back, a fault can")
{
    RewindRig t;
    CHECK(!t.rewind.expect({.address = 0x1000, .size = 4}));
    CHECK(t.rewind.expect({.address = 1ull << 52, .size = 4}));  // no such address
    CHECK(t.rewind.stored().empty());
}

}  // namespace gh::cpu::test
