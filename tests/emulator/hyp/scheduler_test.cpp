// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/scheduler.h"

#include "guest.h"

#include <doctest/doctest.h>

namespace gh::hyp {

namespace {

constexpr std::size_t kSecond = 0x1000;   // where in RAM a second vCPU begins
constexpr std::size_t kVectors = 0x1800;  // of exceptions
constexpr std::size_t kResults = 0x3000;  // what guests leave behind; x5 points there

/// A VM that nobody runs; x0, x3 and x5 are what kEnableGic and the results want.
struct ScheduledGuest : Guest {
    ScheduledGuest()
    {
        proxy = false;
        boot.x[0] = kSgiFrame0;
        boot.x[3] = kGicd;
        boot.x[5] = kBase + kResults;
    }

    [[nodiscard]] std::uint64_t result(std::size_t index) const
    {
        std::uint64_t value = 0;
        std::memcpy(&value, ram.get() + kResults + 8 * index, sizeof value);
        return value;
    }

    /// Starts it and waits until it has ended by itself: the type of its end.
    unsigned run(unsigned cpus = 1)
    {
        start(cpus).begin();
        ended.acquire();
        vm->stop();  // returns when all is told; changes nothing
        REQUIRE(exits.size() == 1);
        CHECK(vm->exited());
        return exits[0].type;
    }
};

const Code kCpuOff{
    0xd2b08000,  // mov x0, #0x84000000
    0x91000800,  // add x0, x0, #2
    0xd4000002,  // hvc #0
};
const Code kCpuOnSecond{
    0xd2b88000,  // mov x0, #0xc4000000
    0x91000c00,  // add x0, x0, #3
    0xd2800021,  // mov x1, #1
    0xaa0803e2,  // mov x2, x8
    0xaa0503e3,  // mov x3, x5
    0xd4000002,  // hvc #0
};
const Code kTimerIn1Ms{
    0xd53be042,  // mrs x2, cntvct_el0
    0x8b040042,  // add x2, x2, x4
    0xd51be342,  // msr cntv_cval_el0, x2
    0xd2800022,  // mov x2, #1
    0xd51be322,  // msr cntv_ctl_el0, x2
};
const Code kSleepAndStoreIntid{
    0xd503207f,  // wfi
    0xd538cc02,  // mrs x2, icc_iar1_el1
    0xf90000a2,  // str x2, [x5]
};
const Code kWaitForSecondResult{
    0xf94004a7,  // ldr x7, [x5, #8]
    0xb4ffffe7,  // cbz x7, -1
};
const Code kSleep{0xd503207f, 0x17ffffff};  // wfi; b -1

}  // namespace

TEST_CASE_FIXTURE(ScheduledGuest, "a VM that is not proxy waits for begin(), then runs by itself")
{
    put(Code{0xf90000a5} + kPowerOff);  // str x5, [x5]
    start();
    CHECK(vm->schedules());
    CHECK_FALSE(vm->exited());
    CHECK(result(0) == 0);
    vm->begin();
    ended.acquire();
    CHECK(result(0) == kBase + kResults);
    CHECK(exits[0].type == 1);
}

TEST_CASE_FIXTURE(ScheduledGuest, "a vCPU whose owner runs it is not scheduled")
{
    proxy = true;
    put(kPowerOff);
    start().begin();
    CHECK_FALSE(vm->schedules());
    CHECK(vm->run(0, {}).state == VcpuState::PoweredOff);
    CHECK(exits.size() == 1);
}

TEST_CASE_FIXTURE(ScheduledGuest,
                  "MMIO that no VMM could answer is an external abort, loads and stores alike")
{
    for (const std::uint32_t access : {0xb9400062u, 0xb9000062u}) {  // ldr w2, [x3]; str
        CAPTURE(access);
        boot.x[1] = kBase + kVectors;
        boot.x[3] = kOut;
        put({0xd518c001,  // msr vbar_el1, x1
             0xd5033fdf,  // isb
             access});
        put(Code{0xd5385203,  // mrs x3, esr_el1
                 0xf90000a3}  // str x3, [x5]
                + kPowerOff,
            kVectors + 0x200);
        exits.clear();
        CHECK(run() == 1);
        CHECK(result(0) == 0x9600'0010);
    }
}

TEST_CASE_FIXTURE(
    ScheduledGuest,
    "two vCPUs switch on, sleep until a timer, switch off and power off by themselves")
{
    boot.x[4] = 62'500;  // 1 ms
    boot.x[8] = kBase + kSecond;
    put(kEnableGic + kCpuOnSecond + kTimerIn1Ms + kSleepAndStoreIntid + kWaitForSecondResult +
        kPowerOff);
    put(Code{0xf9000400} + kCpuOff, kSecond);  // str x0, [x0, #8]
    CHECK(run(2) == 1);
    CHECK(result(0) == 27);
    CHECK(result(1) == kBase + kResults);
}

TEST_CASE_FIXTURE(ScheduledGuest, "a doorbell wakes a vCPU that sleeps")
{
    put(kEnableGic + kSleepAndStoreIntid + kPowerOff);
    start().begin();
    vm->doorbell_send(0, 1);
    ended.acquire();
    CHECK(result(0) == kBell);
}

TEST_CASE_FIXTURE(ScheduledGuest, "CPU_OFF of the last vCPU is denied (guest ABI 3.6, inferred)")
{
    put(kCpuOff + Code{0xf90000a0} + kPowerOff);  // str x0, [x5]
    CHECK(run(2) == 1);
    CHECK(result(0) == ~std::uint64_t{2});
}

TEST_CASE_FIXTURE(ScheduledGuest, "the owner hears how a guest ended")
{
    SUBCASE("SYSTEM_RESET")
    {
        put({0xd2b08000,    // mov x0, #0x84000000
             0x91002400,    // add x0, x0, #9
             0xd4000002});  // hvc #0
        CHECK(run() == 2);
    }
    SUBCASE("an exception loop")
    {
        boot.x[0] = 0x10'0000'0000;
        put({0xd518c000,    // msr vbar_el1, x0
             0xd5033fdf,    // isb
             0x00000000});  // udf #0
        CHECK(run() == 5);
    }
}

TEST_CASE_FIXTURE(ScheduledGuest, "a forced stop ends guests that never would")
{
    for (const Code& guest : {kSpin, kSleep}) {
        put(guest);
        put(guest, kSecond);
        exits.clear();
        start(2, true).begin();
        vm->stop();
        REQUIRE(exits.size() == 1);
        CHECK(exits[0].type == 7);
    }
}

TEST_CASE_FIXTURE(ScheduledGuest, "a guest that ends while its owner stops it has ended once")
{
    put(kPowerOff);
    for (unsigned round = 0; round < 100; ++round) {
        exits.clear();
        start(2, true).begin();
        vm->stop();
        CHECK(vm->exited());
        CHECK(exits.size() == 1);
    }
}

TEST_CASE_FIXTURE(ScheduledGuest, "a VM goes whether its guest has ended or ever begun")
{
    put(kSpin);
    for (const bool begun : {false, true}) {
        start(8, true);
        if (begun)
            vm->begin();
        vm.reset();
        CHECK(exits.empty());
    }
}

TEST_CASE_FIXTURE(ScheduledGuest, "a profiler is told of it as of any")
{
    const auto listener = std::make_shared<Listener>();
    profiler = listener;
    put(kSpin);
    start(2).begin();
    vm.reset();
    CHECK(listener->vcpus.size() == 2);
}

}  // namespace gh::hyp
