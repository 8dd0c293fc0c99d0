// SPDX-License-Identifier: BSD-3-Clause
#include "call_fixture.h"
#include "emulator/hyp/trng.h"

#include <algorithm>
#include <random>
#include <set>

#include <doctest/doctest.h>

namespace gh::hyp {

/// Arguments that guests with something in mind would try.
struct AnyCallFixture : CallFixture {
    AnyCallFixture()
    {
        pages.add(kRam + 0x1000, false);
        for (unsigned n = 0; n < 0x200; ++n)  // tables and pages without access flag, of itself
            pages.put(kRam + 0x1000 + 8 * n, (kRam + 0x1000) | 1ull << 51 | 3);
        pages.seal(kRam + 0x1000);
    }

    std::uint64_t number()
    {
        static constexpr std::uint64_t kExtremes[] = {
            0,      1,        2,           3,           7,          8,     240,  241,
            0xffff, 0x1'0000, 0x7fff'ffff, 0xffff'ffff, 1ull << 63, ~1ull, ~0ull};
        // RAM and its ends, what cannot be written, no RAM, a device, beyond all addresses.
        static constexpr std::uint64_t kAddresses[] = {
            kRam,          kRam + 0xfff,  kRam + 0xffc,          kRam - 1, kRam + 0x1000,
            kRam + 0x1fff, kRam + 0x2000, 0x3fff'0000,           0x1000,   0x0000'ffff'ffff'fff8,
            1ull << 48,    1ull << 63,    0xffff'8000'0000'0000, ~7ull};
        switch (random() % 5) {
        case 0: return random() % (NONE + 2);
        case 1: return kExtremes[random() % std::size(kExtremes)];
        case 2: return kAddresses[random() % std::size(kAddresses)];
        case 3: return random() >> random() % 64;
        default: return random() % 241;
        }
    }
    /// A state of the world that the next call meets.
    void stir()
    {
        for (std::uint64_t& value : in)
            value = number();
        // Most calls reserve what is behind their arguments.
        const std::uint64_t arguments = random() % (in.size() + 1);
        std::fill(in.begin() + static_cast<std::ptrdiff_t>(arguments), in.end(),
                  random() % 8 == 0 ? ~0ull : 0);
        vcpu = static_cast<unsigned>(random() % 2);
        pending = random() % 2 == 0;
        std::array<std::byte, 240> message{};
        if (random() % 4 == 0)
            (void)queues[1].post(std::span(message).first(random() % 241));
        if (random() % 16 == 0)
            queues[1].flush();
        if (random() % 4 == 0)
            (void)queues[0].take(message);
        if (random() % 16 == 0)
            while (queues[0].send(1, {flat, pages}, kRam, false).error == kOk) {
            }
        if (random() % 16 == 0)
            power.turn_off(static_cast<unsigned>(random() % 2));
        used_queues.clear();
        woken.clear();
    }

    cpu::State flat;
    std::mt19937_64 random{20231229};
};

constexpr unsigned kCalls = 2000;  // of each number and form

TEST_CASE_FIXTURE(AnyCallFixture,
                  "2000 of each hypercall, in each form, with any arguments: a documented error")
{
    static const std::set<std::uint64_t> kErrors{0,  1,  2,  3,  20, 22, 30,
                                                 31, 50, 52, 53, 60, 61, ~0ull};
    std::set<std::uint64_t> seen;
    const auto check = [&](unsigned n, std::uint64_t error) {
        if (after == After::Leave) {  // vcpu_poweroff: there is nobody to answer
            REQUIRE(n == 0x39);
            REQUIRE(x == in);
        } else if (n != 0) {  // identify
            REQUIRE(kErrors.count(error) == 1);
            seen.insert(error);
        }
    };
    for (unsigned n = 0; n < 0x100; ++n)
        for (unsigned i = 0; i < kCalls; ++i) {
            stir();
            if (i % 2 == 0)
                in[0] = random() % NONE;
            check(n, call_with(false, 0x6000 + n));
            stir();
            in[0] = 0xc600'8000 | n;
            if (i % 3 == 0)
                in[1] = random() % NONE;
            check(n, call_with(i % 2 == 0, 0));
            REQUIRE(std::equal(x.begin() + 5, x.end(), in.begin() + 5));
        }
    for (const std::uint64_t error : kErrors) {  // so that each was really met
        CAPTURE(error);
        CHECK(seen.count(error) == 1);
    }
}

TEST_CASE_FIXTURE(AnyCallFixture, "hypercalls with stage 1 on and tables that are anything at all")
{
    for (unsigned i = 0; i < 200'000; ++i) {
        stir();
        state.sctlr_el1 = random() | 1;
        state.tcr_el1 = random();
        state.ttbr0_el1 = number();
        state.ttbr1_el1 = number();
        pages.put(kRam + random() % 0x200 * 8, random() % 2 == 0 ? number() | 3 : random());
        const bool sends = random() % 2 == 0;
        in[0] = sends ? SENDER : RECEIVER;
        (sends ? in[2] : in[1]) = number();
        (sends ? in[1] : in[2]) = random() % 241;
        (void)call_with(false, sends ? 0x601b : 0x601c);
        std::array<std::byte, 240> message{};
        (void)queues[0].take(message);
    }
    CHECK(power.ended() == false);
}

TEST_CASE_FIXTURE(AnyCallFixture,
                  "every SMCCC class with any number: what nobody serves is -1 and changes nothing")
{
    const auto serves = [](std::uint32_t function) {
        const std::uint32_t id = function & ~(1u << 16);
        return Psci::is_function(id) || is_trng_function(id) || (id >> 8) == 0xc6'0080 ||
               id == 0x8000'0000 || id == 0x8000'0001 || id == 0x8500'ff01 || id == 0x8500'ff03 ||
               id == 0x8600'ff01 || id == 0x8600'ff03;
    };
    unsigned unserved = 0;
    for (unsigned i = 0; i < 1'000'000; ++i) {
        stir();
        auto function = static_cast<std::uint32_t>(random());
        if (i % 2 == 0)  // a class that exists, a low number
            function = (i & 0x3fu) << 26 | (i >> 6 & 0x3fu) << 24 | (function & 0x8'00ff);
        if (i % 5 == 0)
            function = (function & 0x4000'0000) | 0x8400'0000 | (function & 0x7f);
        in[0] = random() << 32 | function;
        const std::uint64_t result = call_with(random() % 2 == 0, 0);
        if (serves(function))
            continue;
        ++unserved;
        REQUIRE(result == ~0ull);
        REQUIRE(untouched());
        REQUIRE(after == After::GoOn);
    }
    CHECK(unserved > 500'000);
}

TEST_CASE_FIXTURE(AnyCallFixture, "every other immediate of HVC and SMC is -1 and changes nothing")
{
    for (unsigned immediate = 1; immediate < 0x1'0000; ++immediate)
        for (const bool smc : {false, true}) {
            if (!smc && immediate >> 8 == 0x60)
                continue;
            stir();
            REQUIRE(call_with(smc, immediate) == ~0ull);
            REQUIRE(untouched());
        }
}

}  // namespace gh::hyp
