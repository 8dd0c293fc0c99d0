// SPDX-License-Identifier: BSD-3-Clause
// What comes from outside while host code runs.
#include "translated_rig.h"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

constexpr std::uint64_t kEret = kRam + 0xd0000;
constexpr std::uint64_t kFromEl1 = TranslatedRig::kVectors + 0x280;  // IRQ

}  // namespace

TEST_CASE("a loop leaves when an interrupt is pending")
{
    TranslatedRig t{
        0x9100'0400,  // add x0, x0, #1
        0x17ff'ffff,  // b -4
    };
    t.cpu.state().daif = 0;
    std::jthread device([&] { t.cpu.set_irq(true); });
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.cpu.state().pc == kFromEl1 + 4);
    CHECK(t.cpu.state().elr_el1 <= kRam + 4);
    CHECK((t.cpu.state().spsr_el1 & 0x80) == 0);
}

TEST_CASE("a masked interrupt does not end a loop")
{
    TranslatedRig t{
        0xf100'0400,  // subs x0, x0, #1
        0x54ff'ffe1,  // b.ne -4
        kHvc,
    };
    t.x(0) = 1000;
    t.cpu.set_irq(true);
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.cpu.state().pc == kRam + 12);
    CHECK(t.x(0) == 0);
}

TEST_CASE("flags survive an interrupt between compare and branch")
{
    // The carry that SUBS makes is added behind the way back, where the loop looks for interrupts.
    TranslatedRig t{
        0x9a1f'0021,  // adc x1, x1, xzr
        0xf100'0400,  // subs x0, x0, #1
        0x54ff'ffc1,  // b.ne -8
        kHvc,
    };
    constexpr std::uint64_t kTurns = 2'000'000;
    t.rig.put(kEret, {0xd69f'03e0});
    t.x(0) = kTurns;
    t.cpu.state().daif = 0;
    std::atomic<bool> asserted{false};
    std::jthread device([&](const std::stop_token& stop) {
        while (!stop.stop_requested())
            if (!asserted.exchange(true))
                t.cpu.set_irq(true);
    });
    while (!asserted)  // however busy the host is, one comes
        std::this_thread::yield();
    unsigned interrupts = 0;
    while (t.run() == Exit::Requested && t.cpu.state().pc == kFromEl1 + 4) {
        ++interrupts;
        t.cpu.set_irq(false);
        asserted = false;
        t.cpu.state().pc = kEret;
    }
    CHECK(t.cpu.state().pc == kRam + 16);
    CHECK(interrupts > 0);
    CHECK(t.x(1) == kTurns - 1);
}

TEST_CASE("an interrupt that MSR DAIFClr lets in is taken at the end of its block at the latest")
{
    TranslatedRig t{
        0xd503'42ff,  // msr daifclr, #2
        0x9100'0400,  // add x0, x0, #1
        0x1400'0001,  // b +4
        0x9100'0400,  // add x0, x0, #1
        kHvc,
    };
    t.cpu.set_irq(true);
    REQUIRE(t.run() == Exit::Requested);
    CHECK(t.cpu.state().pc == kFromEl1 + 4);
    CHECK(t.x(0) <= 1);
}

TEST_CASE("maintenance that another PE waits for is done by a loop in host code")
{
    TranslatedRig t{
        0xf940'0040,  // ldr x0, [x2]
        0x9100'0421,  // add x1, x1, #1
        0xf900'0061,  // str x1, [x3]
        0xb4ff'ffa0,  // cbz x0, -12
        kHvc,
    };
    // The other PE maps another page, says so, and waits: then the loop must see it.
    cpu::Cpu other(t.rig.cluster, t.rig, 1, 0x8000'0001);
    t.map(0, kRam + 0x8000);
    t.map(1, kRam + 0xa000);
    t.rig.ram[0x9000] = std::byte{1};
    t.x(2) = TranslatedRig::page(0);
    t.x(3) = TranslatedRig::page(1);
    t.rig.put(kRam + 0x1000, {
                                 0xd508'8320,  // tlbi vae1is, x0
                                 0xd503'3b9f,  // dsb ish
                                 kHvc,
                             });
    std::jthread looping([&] { t.run(); });
    const auto progress = [&] {
        std::uint64_t value = 0;
        __atomic_load(reinterpret_cast<std::uint64_t*>(&t.rig.ram[0xa000]), &value,
                      __ATOMIC_ACQUIRE);
        return value;
    };
    while (progress() < 1000)
        std::this_thread::yield();
    t.map(0, kRam + 0x9000);
    other.reset(kRam + 0x1000, TranslatedRig::page(0) >> 12);
    CHECK(other.run() == Exit::Requested);
    looping.join();
    CHECK(t.x(0) == 1);
}

}  // namespace gh::jit::test
