// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/psci.h"

#include "call_fixture.h"

#include <doctest/doctest.h>

namespace gh::hyp {

constexpr std::uint64_t kEntry = 0x8002'0000;

TEST_CASE_FIXTURE(CallFixture, "PSCI is version 1.1, by HVC and SMC (golden psci.version*)")
{
    CHECK(hvc(0x8400'0000) == 0x10001);
    CHECK(call(true, 0, 0x8400'0000) == 0x10001);
    CHECK(hvc(0xc400'0000) == ~0ull);
    CHECK(hvc(0xffff'ffff'8400'0000) == 0x10001);
}

TEST_CASE_FIXTURE(CallFixture, "PSCI_FEATURES knows what Gunyah's knows (golden psci.features.*)")
{
    const std::vector<std::uint32_t> there{0x84000000, 0x84000002, 0x84000003, 0xc4000003,
                                           0x84000004, 0xc4000004, 0x84000008, 0x84000009,
                                           0x8400000a, 0x8400000c, 0xc400000c, 0x8400000f,
                                           0x84000012, 0xc4000012, 0x80000000};
    for (const std::uint32_t id : there)
        CHECK(hvc(0x8400'000a, id) == 0);
    for (const std::uint32_t id : {0x84000001, 0xc4000001})
        CHECK(hvc(0x8400'000a, id) == 2);
    const std::vector<std::uint32_t> missing{0x84000005, 0xc4000005, 0x84000006, 0x8400000b,
                                             0x8400000d, 0xc400000e, 0x84000010, 0x84000013,
                                             0x84000015, 0x80000001, 0xc6008000};
    for (const std::uint32_t id : missing)
        CHECK(hvc(0x8400'000a, id) == 0xffff'ffff);
}

TEST_CASE_FIXTURE(CallFixture, "PSCI functions that Gunyah lacks answer -1 in 64 bits")
{
    for (const std::uint32_t id : {0x84000005, 0x84000006, 0x8400000d, 0xc400000e, 0xc4000010,
                                   0x84000013, 0x8400001f, 0x95c1ba5e})
        CHECK(hvc(id, 1) == ~0ull);
}

TEST_CASE_FIXTURE(CallFixture,
                  "CPU_OFF of the last vCPU succeeds in a proxy VM (golden README 01.3), else not")
{
    Psci aggregating{power, false};
    Call off{.vcpu = 0, .x = std::span(x), .memory = {state, pages}};
    x[0] = 0x8400'0002;
    CHECK(aggregating.call(off) == After::GoOn);
    CHECK(x[0] == ~std::uint64_t{2});
    CHECK(power.is_on(0));
    power.turn_on(1, {});
    x[0] = 0x8400'0002;
    CHECK(aggregating.call(off) == After::Leave);
    CHECK_FALSE(power.is_on(0));
    CHECK(psci.call(off) == After::Leave);
}

TEST_CASE_FIXTURE(CallFixture, "the only suspend mode is platform-coordinated")
{
    CHECK(hvc(0x8400'000f, 0) == 0);
    CHECK(hvc(0x8400'000f, 1) == 0xffff'fffe);
}

TEST_CASE_FIXTURE(CallFixture, "AFFINITY_INFO says who is on (golden psci.affinity.*)")
{
    CHECK(hvc(0xc400'0004, 0) == 0);
    CHECK(hvc(0xc400'0004, 1) == 1);
    CHECK(hvc(0x8400'0004, 1) == 1);
    CHECK(hvc(0xc400'0004, 0x8000'0000) == 0);
    CHECK(hvc(0xc400'0004, 2) == ~1ull);
    CHECK(hvc(0xc400'0004, 0, 1) == ~1ull);
}

TEST_CASE_FIXTURE(CallFixture, "CPU_ON checks its target (golden psci.cpu_on.*)")
{
    CHECK(hvc(0xc400'0003, 0, kEntry) == ~3ull);
    CHECK(hvc(0xc400'0003, 2, kEntry) == ~5ull);
    CHECK(hvc(0xc400'0003, 0x100, kEntry) == ~1ull);
    CHECK(hvc(0xc400'0003, 0x1'0000'0000, kEntry) == ~1ull);
    CHECK(hvc(0xc400'0003, 0x8000'0001, kEntry) == 0);
    CHECK(hvc(0xc400'0003, 0x100'0000'0001, kEntry) == ~3ull);
}

TEST_CASE_FIXTURE(CallFixture, "CPU_ON wakes its target, which begins at the entry")
{
    CHECK(hvc(0xc400'0003, 1, kEntry, 0x1122'3344'5566'7788) == 0);
    CHECK(hvc(0xc400'0004, 1) == 0);
    CHECK(woken == std::vector<unsigned>{1});
    const auto start = power.take_start(1);
    REQUIRE(start);
    CHECK(start->entry == kEntry);
    CHECK(start->argument == 0x1122'3344'5566'7788);
    CHECK_FALSE(power.take_start(1));
}

TEST_CASE_FIXTURE(CallFixture,
                  "a 32-bit call cuts its arguments where they stand (golden cpu_on.1.32bit)")
{
    CHECK(hvc(0x8400'0003, 1, kEntry, 0xffff'ffff'8877'6655) == 0);
    CHECK(x[3] == 0x8877'6655);
    CHECK(power.take_start(1)->argument == 0x8877'6655);
}

TEST_CASE_FIXTURE(CallFixture, "CPU_OFF is not denied to the last CPU (golden README 01.3)")
{
    hvc(0x8400'0002);
    CHECK(after == After::Leave);
    CHECK_FALSE(power.is_on(0));
    CHECK_FALSE(power.ended());
}

TEST_CASE_FIXTURE(CallFixture, "suspending with an interrupt pending succeeds at once")
{
    pending = true;
    CHECK(hvc(0xc400'0001, 0x4000'0000, kEntry, 7) == 0);
    CHECK(after == After::GoOn);
    CHECK_FALSE(power.own(0).suspension);
}

TEST_CASE_FIXTURE(CallFixture, "standby comes back behind the call, power-down at the entry")
{
    CHECK(hvc(0xc400'0001, 0, kEntry, 7) == 0);
    CHECK(after == After::Leave);
    CHECK_FALSE(power.own(0).suspension->resume);
    hvc(0xc400'0001, 0x4000'0000, kEntry, 7);
    CHECK(power.own(0).suspension->resume->entry == kEntry);
    CHECK(power.own(0).suspension->resume->argument == 7);
    hvc(0x8400'000c, kEntry, 8);
    CHECK(power.own(0).suspension->resume->argument == 8);
}

TEST_CASE_FIXTURE(CallFixture, "SYSTEM_OFF ends the VM with type 1 (golden command 1)")
{
    hvc(0x8400'0008);
    CHECK(after == After::Leave);
    CHECK(power.ended());
    REQUIRE(exits.size() == 1);
    CHECK(exits[0].type == 1);
    CHECK(exits[0].reason_size == 4);
    CHECK(woken == std::vector<unsigned>{0, 1});
}

TEST_CASE_FIXTURE(CallFixture, "SYSTEM_RESET ends it with type 2, and only the first end counts")
{
    hvc(0x8400'0009);
    hvc(0x8400'0008);
    REQUIRE(exits.size() == 1);
    CHECK(exits[0].type == 2);
    CHECK(power.own(0).farewell->state == VcpuState::SystemReset);
    CHECK(power.own(0).farewell->data[0] == 1ull << 63);
}

TEST_CASE_FIXTURE(CallFixture,
                  "SYSTEM_RESET2 reports width, type and cookie (golden commands 3 to 6)")
{
    hvc(0xc400'0012, 0x8000'0001, 0x1122'3344'5566'7788);
    REQUIRE(exits.size() == 1);
    CHECK(exits[0].type == 3);
    CHECK(exits[0].reason_size == 16);
    const std::array<std::uint8_t, 16> reason{0,    0x80, 0,    0,    1,    0,    0,    0x80,
                                              0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
    CHECK(exits[0].reason == reason);
}

TEST_CASE_FIXTURE(CallFixture, "a VM without PSCI answers none of it")
{
    Smccc without(nullptr, hypercalls);
    x[0] = 0x8400'0000;
    Call it{.x = std::span(x), .memory = {state, pages}};
    (void)without.call(it, false, 0);
    CHECK(x[0] == ~0ull);
}

}  // namespace gh::hyp
