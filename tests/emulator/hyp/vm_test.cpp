// SPDX-License-Identifier: BSD-3-Clause
#include "guest.h"

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace gh::hyp {

/// Sleeps, acknowledges, reports the INTID at [x1], for ever.
const Code kReportInterrupts{
    0xd503207f,  // wfi
    0xd538cc02,  // mrs x2, icc_iar1_el1
    0xd518cc22,  // msr icc_eoir1_el1, x2
    0xb9000022,  // str w2, [x1]
    0x17fffffc,  // b -4
};

TEST_CASE_FIXTURE(Guest, "a read of the window exits and gets the owner's value")
{
    boot.x[0] = kOut;
    boot.x[1] = kBase + 0x1000;
    put(Code{0xb9400002,  // ldr w2, [x0]
             0xf9000022}  // str x2, [x1]
        + kPowerOff);
    const auto read = start().run(0, {});
    CHECK(read.state == VcpuState::VmmioRead);
    CHECK(read.data == std::array<std::uint64_t, 3>{kOut, 4, 0});
    CHECK(vm->run(0, {.value = 0x8877'6655'4433'22f1}).state == VcpuState::PoweredOff);
    std::uint64_t seen = 0;
    std::memcpy(&seen, ram.get() + 0x1000, sizeof seen);
    CHECK(seen == 0x4433'22f1);
}

TEST_CASE_FIXTURE(Guest, "a write of the window exits with its bytes, again if it is to be retried")
{
    boot.x[0] = kOut;
    put(Code{0x529579a2,  // mov w2, #0xabcd
             0x79000002}  // strh w2, [x0]
        + kSpin);
    for (const auto action : {Resume::Action::Emulate, Resume::Action::Retry}) {
        const auto write = (vm ? *vm : start()).run(0, {.action = action});
        CHECK(write.state == VcpuState::VmmioWrite);
        CHECK(write.data == std::array<std::uint64_t, 3>{kOut, 2, 0xabcd});
    }
}

TEST_CASE_FIXTURE(Guest, "an access the owner faults is an external abort")
{
    boot.x[0] = kOut;
    boot.x[1] = kBase + 0x1000;
    put({0xd518c001,    // msr vbar_el1, x1
         0xd5033fdf,    // isb
         0xb9400002});  // ldr w2, [x0]
    put({0xd5385203,    // mrs x3, esr_el1
         0xb9000803},   // str w3, [x0, #8]
        0x1200);
    CHECK(start().run(0, {}).state == VcpuState::VmmioRead);
    const auto report = vm->run(0, {.action = Resume::Action::Fault});
    CHECK(report.state == VcpuState::VmmioWrite);
    CHECK(report.data[2] == 0x9600'0010);
}

TEST_CASE_FIXTURE(Guest, "a profiler is told what each vCPU did when the VM goes")
{
    const auto listener = std::make_shared<Listener>();
    profiler = listener;
    boot.x[1] = kOut;
    boot.x[3] = kGicd;
    put(Code{0xb9400022,  // ldr w2, [x1]
             0xb9000022,  // str w2, [x1]
             0xb9400062,  // ldr w2, [x3]
             0xd53be042,  // mrs x2, cntvct_el0
             0xd5384602,  // mrs x2, icc_pmr_el1
             0xd503207f}  // wfi
        + kPowerOff);
    start(2);
    CHECK(vm->run(0, {}).state == VcpuState::VmmioRead);
    CHECK(vm->run(0, {}).state == VcpuState::VmmioWrite);
    CHECK(vm->run(0, {}).state == VcpuState::ExpectsWakeup);
    vm.reset();
    REQUIRE(listener->vcpus.size() == 2);
    const VcpuProfile& first = *listener->vcpus[0];
    std::map<std::uint64_t, VcpuProfile::Device> devices(first.devices.begin(),
                                                         first.devices.end());
    CHECK(devices[kOut].reads == 1);
    CHECK(devices[kOut].writes == 1);
    CHECK(!devices[kOut].gic);
    CHECK(devices[kGicd].reads == 1);
    CHECK(devices[kGicd].gic);
    CHECK(first.timer_registers == 1);
    CHECK(first.gic_registers == 1);
    CHECK(first.waits == 1);
    CHECK(first.total_time >= first.guest_time);
    CHECK(first.code.spots().size() == 3);  // the start, and behind each access of the window
    CHECK(first.counters.blocks == 3);
    CHECK(listener->vcpus[1]->code.spots().empty());
}

TEST_CASE_FIXTURE(Guest, "SYSTEM_OFF powers every vCPU off for good and tells the owner once")
{
    put(kPowerOff);
    start(2);
    const auto other = vm->run(1, {});
    CHECK(other.state == VcpuState::PoweredOff);
    CHECK(other.data[0] == 0);
    for (const unsigned n : {0u, 1u, 0u}) {
        vm->wait_for_wakeup(n == 1 ? 1 : 0);
        const auto result = vm->run(n, {});
        CHECK(result.state == VcpuState::PoweredOff);
        CHECK(result.data[0] == 1);
    }
    CHECK(vm->exited());
    CHECK(exits.size() == 1);
    CHECK(exits[0].type == 1);
}

TEST_CASE_FIXTURE(Guest, "a doorbell wakes a vCPU from WFI and arrives as its SPI")
{
    boot.x[0] = kSgiFrame0;
    boot.x[1] = kOut;
    boot.x[3] = kGicd;
    put(kEnableGic + kReportInterrupts);
    const auto sleep = start().run(0, {});
    CHECK(sleep.state == VcpuState::ExpectsWakeup);
    CHECK(sleep.data[1] == 1);
    std::jthread owner([this] { vm->doorbell_send(0, 1); });
    vm->wait_for_wakeup(0);
    const auto report = vm->run(0, {});
    CHECK(report.state == VcpuState::VmmioWrite);
    CHECK(report.data[2] == kBell);
    owner.join();
    CHECK(vm->doorbell_receive(0, 1) == 1);
    CHECK(vm->run(0, {}).state == VcpuState::ExpectsWakeup);
}

TEST_CASE_FIXTURE(Guest, "1.6 source-can-clear: without it the owner cannot mask what it rings")
{
    put(kSpin);
    source_can_clear = false;
    CHECK_FALSE(start().doorbell_mask(0, 0, ~0ull));
    CHECK(vm->doorbell_send(0, 1) == 0);
    CHECK(vm->doorbell_send(0, 2) == 1);  // its flags stay
    source_can_clear = true;
    CHECK(start().doorbell_mask(0, ~0ull, ~0ull));
    CHECK(vm->doorbell_send(0, 1) == 0);
    CHECK(vm->doorbell_send(0, 2) == 0);
}

TEST_CASE_FIXTURE(Guest, "a virtual timer wakes a vCPU from WFI when it is due")
{
    boot.x[0] = kSgiFrame0;
    boot.x[1] = kOut;
    boot.x[3] = kGicd;
    boot.x[4] = 62'500;  // 1 ms
    put(kEnableGic +
        Code{0xd53be042,    // mrs x2, cntvct_el0
             0x8b040042,    // add x2, x2, x4
             0xd51be342,    // msr cntv_cval_el0, x2
             0xd2800022,    // mov x2, #1
             0xd51be322} +  // msr cntv_ctl_el0, x2
        kReportInterrupts);
    auto result = start().run(0, {});
    if (result.state == VcpuState::ExpectsWakeup) {  // else a slow host made it late already
        vm->wait_for_wakeup(0);
        result = vm->run(0, {});
    }
    CHECK(result.state == VcpuState::VmmioWrite);
    CHECK(result.data[2] == 27);
}

TEST_CASE_FIXTURE(Guest, "nothing but an interrupt ends a WFI (golden command 12)")
{
    put(Code{0xd503207f} + kPowerOff);  // wfi
    CHECK(start().run(0, {}).state == VcpuState::ExpectsWakeup);
    vm->kick(0);
    vm->wait_for_wakeup(0);
    CHECK(vm->run(0, {}).state == VcpuState::ExpectsWakeup);
    CHECK_FALSE(vm->exited());
}

TEST_CASE_FIXTURE(Guest, "a kick ends a run that is under way, or the next one")
{
    put(kSpin);
    start();
    vm->kick(0);
    CHECK(vm->run(0, {}).state == VcpuState::Ready);
    std::jthread other([this] { vm->kick(0); });
    CHECK(vm->run(0, {}).state == VcpuState::Ready);
}

TEST_CASE_FIXTURE(Guest, "stop ends a guest that never would (type 7)")
{
    put(kSpin);
    start();
    std::jthread owner([this] { vm->stop(); });
    CHECK(vm->run(0, {}).state == VcpuState::PoweredOff);
    owner.join();
    vm->stop();
    CHECK(exits.size() == 1);
    CHECK(exits[0].type == 7);
}

TEST_CASE_FIXTURE(Guest, "an exception loop ends the VM with type 5 (golden commands 8, 13)")
{
    boot.x[0] = 0x10'0000'0000;
    put({0xd518c000,    // msr vbar_el1, x0
         0xd5033fdf,    // isb
         0x00000000});  // udf #0
    CHECK(start().run(0, {}).state == VcpuState::PoweredOff);
    REQUIRE(exits.size() == 1);
    CHECK(exits[0].type == 5);
}

TEST_CASE_FIXTURE(Guest, "CPU_ON starts a vCPU at its entry with its context")
{
    boot.x = {0, 1, kBase + 0x1000, 0x1122'3344'5566'7788, kOut};
    put(Code{0xd2b88000,    // mov x0, #0xc4000000
             0x91000c00,    // add x0, x0, #3
             0xd4000002} +  // hvc #0
        kSpin);
    put({0xd2800a04,   // mov x4, #0x50
         0xd378dc84,   // lsl x4, x4, #8
         0xf9000080},  // str x0, [x4]
        0x1000);
    start(2);
    CHECK(vm->run(1, {}).state == VcpuState::PoweredOff);
    std::jthread first([this] { (void)vm->run(0, {}); });
    vm->wait_for_wakeup(1);
    const auto report = vm->run(1, {});
    vm->stop();
    CHECK(report.state == VcpuState::VmmioWrite);
    CHECK(report.data[0] == kOut);
    CHECK(report.data[2] == 0x1122'3344'5566'7788);
}

TEST_CASE_FIXTURE(Guest, "a vCPU that switched itself off can be switched on again")
{
    boot.x[1] = 1;
    boot.x[2] = kBase + 0x1000;
    put(Code{0xd2b88000, 0x91000c00, 0xd4000002} + kSpin);  // CPU_ON as above
    put({0xd2b08000,                                        // mov x0, #0x84000000
         0x91000800,                                        // add x0, x0, #2
         0xd4000002},                                       // hvc #0: CPU_OFF
        0x1000);
    start(2);
    std::jthread first([this] { (void)vm->run(0, {}); });
    vm->wait_for_wakeup(1);
    const auto off = vm->run(1, {});
    CHECK(off.state == VcpuState::PoweredOff);
    CHECK(off.data[0] == 0);
    vm->stop();
}

TEST_CASE_FIXTURE(Guest, "a power-down suspend begins anew at the entry after an interrupt")
{
    boot.x = {kSgiFrame0, 0x4000'0000, 0, kGicd};
    put(kEnableGic + Code{0xd2b00002,    // mov x2, #0x80000000
                          0x91400442,    // add x2, x2, #0x1000
                          0xd2b88000,    // mov x0, #0xc4000000
                          0x91000400,    // add x0, x0, #1
                          0xd4000002});  // hvc #0: CPU_SUSPEND
    put({0xd2800a04,                     // mov x4, #0x50
         0xd378dc84,                     // lsl x4, x4, #8
         0xf9000080},                    // str x0, [x4]
        0x1000);
    const auto sleep = start().run(0, {});
    CHECK(sleep.state == VcpuState::ExpectsWakeup);
    CHECK(sleep.data[0] == 0x4000'0000);
    CHECK(sleep.data[1] == 2);
    vm->doorbell_send(0, 1);
    vm->wait_for_wakeup(0);
    const auto report = vm->run(0, {});
    CHECK(report.state == VcpuState::VmmioWrite);
    CHECK(report.data[2] == kGicd);  // x3, the context
}

/// What the guest stores to kOut, until it does something else.
std::vector<std::uint64_t> reports(Vm& vm, unsigned vcpu)
{
    std::vector<std::uint64_t> all;
    for (;;) {
        const auto result = vm.run(vcpu, {});
        if (result.state != VcpuState::VmmioWrite)
            return all;
        all.push_back(result.data[2]);
    }
}

TEST_CASE_FIXTURE(Guest, "a message reaches the owner, and its answer the guest, by interrupt")
{
    queues = {{.guest_sends = true, .intid = 41}, {.guest_sends = false, .intid = 42}};
    capabilities = {{ObjectType::MessageQueue, kQueueSend, 0},
                    {ObjectType::MessageQueue, kQueueReceive, 1}};
    on_message = [](MessageOwner& owner, unsigned queue) {
        std::array<std::byte, 240> message{};
        if (const auto size = queue == 0 ? owner.take(0, message) : std::nullopt) {
            message[0] = std::byte{0x77};
            CHECK(owner.post(1, std::span(message).first(*size)));
        }
    };
    const std::uint64_t sent = 0x1122'3344'5566'7788;
    std::memcpy(ram.get() + 0x1ff8, &sent, sizeof sent);  // of 16 bytes on two pages
    boot.x[0] = kSgiFrame0;
    boot.x[3] = kGicd;
    boot.x[20] = kBase + 0x1ff8;
    boot.x[21] = kOut;
    put(kEnableGic + Code{0xd2800000,    // mov x0, #0
                          0xd2800201,    // mov x1, #16
                          0xaa1403e2,    // mov x2, x20
                          0xd2800003,    // mov x3, #0
                          0xd2800004,    // mov x4, #0
                          0xd40c0362,    // hvc #0x601b: msgqueue_send
                          0xf90002a0,    // str x0, [x21]
                          0xf90002a1,    // str x1, [x21]
                          0xd503207f,    // wfi
                          0xd538cc02,    // mrs x2, icc_iar1_el1
                          0xd518cc22,    // msr icc_eoir1_el1, x2
                          0xf90002a2,    // str x2, [x21]
                          0xd2800020,    // mov x0, #1
                          0xaa1403e1,    // mov x1, x20
                          0xd2801e02,    // mov x2, #240
                          0xd2800003,    // mov x3, #0
                          0xd40c0382,    // hvc #0x601c: msgqueue_receive
                          0xf90002a0,    // str x0, [x21]
                          0xf90002a1,    // str x1, [x21]
                          0xf9400282,    // ldr x2, [x20]
                          0xf90002a2,    // str x2, [x21]
                          0xd503207f});  // wfi
    CHECK(reports(start(), 0) ==
          std::vector<std::uint64_t>{0, 1, 42, 0, 16, (sent & ~0xffull) | 0x77});
}

TEST_CASE_FIXTURE(Guest, "an owner may end the VM over a message")
{
    queues = {{.guest_sends = true, .intid = 41}};
    capabilities = {{ObjectType::MessageQueue, kQueueSend, 0}};
    on_message = [](MessageOwner& owner, unsigned) { owner.end({.type = 0, .reason = {}}); };
    boot.x = {0, 8, kBase};
    put(Code{0xd40c0362} + kSpin);  // hvc #0x601b
    CHECK(start().run(0, {}).state == VcpuState::PoweredOff);
    REQUIRE(exits.size() == 1);
    CHECK(exits[0].type == 0);
}

TEST_CASE_FIXTURE(Guest, "without PSCI a vCPU is powered on and off by its capability")
{
    psci = false;
    capabilities = {{ObjectType::Thread, kThreadPower, 0}, {ObjectType::Thread, kThreadPower, 1}};
    boot.x[20] = kBase + 0x1000;
    boot.x[21] = kOut;
    put(Code{0xd2800020,    // mov x0, #1
             0xaa1403e1,    // mov x1, x20
             0xd2800aa2,    // mov x2, #0x55
             0xd2800003,    // mov x3, #0
             0xd40c0702,    // hvc #0x6038: vcpu_poweron
             0xf90002a0,    // str x0, [x21]
             0xd2800020,    // mov x0, #1
             0xd2800061,    // mov x1, #3
             0xd2800003,    // mov x3, #0
             0xd40c0702,    // hvc #0x6038, again
             0xf90002a0,    // str x0, [x21]
             0xd503207f,    // wfi
             0xd2800020,    // mov x0, #1
             0xd2800063,    // mov x3, #3: entry and context as they are
             0xd40c0702,    // hvc #0x6038
             0xf90002a0});  // str x0, [x21]
    put(Code{0xd28a0015,    // mov x21, #0x5000
             0xf90002a0,    // str x0, [x21]
             0xd2800020,    // mov x0, #1
             0xd2800021,    // mov x1, #1: the last
             0xd40c0722,    // hvc #0x6039: vcpu_poweroff
             0xf90002a0} +  // str x0, [x21]
            kSpin,
        0x1000);
    start(2);
    CHECK(reports(*vm, 1).empty());
    CHECK(vm->run(0, {}).data[2] == 0);
    vm->wait_for_wakeup(1);
    CHECK(vm->run(0, {}).data[2] == 31);
    CHECK(reports(*vm, 1) == std::vector<std::uint64_t>{0x55});
    CHECK_FALSE(vm->exited());
    CHECK(vm->run(0, {}).state == VcpuState::ExpectsWakeup);
    vm->stop();
    REQUIRE(exits.size() == 1);
}

/// Each vCPU hands an SGI on to the next, sleeping in between; vCPU 0 counts x9 rounds and powers
/// off.
const Code kRing{
    0xd53800a5,  // mrs x5, mpidr_el1
    0x924008a5,  // and x5, x5, #7
    0x8b054400,  // add x0, x0, x5, lsl #17
    0x12800002,  // mov w2, #-1
    0xb9008002,  // str w2, [x0, #0x80]
    0xb9010002,  // str w2, [x0, #0x100]
    0x52800042,  // mov w2, #2
    0xb9000062,  // str w2, [x3]
    0xd2801fe2,  // mov x2, #0xff
    0xd5184602,  // msr icc_pmr_el1, x2
    0xd2800022,  // mov x2, #1
    0xd518cce2,  // msr icc_igrpen1_el1, x2
    0xd5033fdf,  // isb
    0x910004a6,  // add x6, x5, #1
    0x924008c6,  // and x6, x6, #7
    0xd2800027,  // mov x7, #1
    0x9ac620e7,  // lsl x7, x7, x6
    0xb26800e7,  // orr x7, x7, #0x1000000
    0xd2800022,  // mov x2, #1
    0xf822011f,  // stadd x2, [x8]
    0xb50000a5,  // cbnz x5, loop
    0xf9400102,  // ldr x2, [x8]
    0xf100205f,  // cmp x2, #8
    0x54ffffc1,  // b.ne -2
    0x14000009,  // b forward
    0xd503207f,  // loop: wfi
    0xd538cc02,  // mrs x2, icc_iar1_el1
    0xf10ffc5f,  // cmp x2, #0x3ff
    0x54ffffa0,  // b.eq loop
    0xd518cc22,  // msr icc_eoir1_el1, x2
    0xb5000065,  // cbnz x5, forward
    0xd1000529,  // sub x9, x9, #1
    0xb4000089,  // cbz x9, off
    0xd518cba7,  // forward: msr icc_sgi1r_el1, x7
    0xd5033fdf,  // isb
    0x17fffff6,  // b loop
};

TEST_CASE_FIXTURE(Guest, "eight vCPUs in parallel wake one another by SGIs")
{
    boot.x[0] = kSgiFrame0;
    boot.x[3] = kGicd;
    boot.x[8] = kBase + 0x1000;
    boot.x[9] = 200;
    put(kRing + kPowerOff);
    start(8, true);
    {
        std::vector<std::jthread> threads;
        for (unsigned n = 0; n < 8; ++n)
            threads.emplace_back([this, n] {
                while (vm->run(n, {}).state != VcpuState::PoweredOff)
                    vm->wait_for_wakeup(n);
            });
    }
    REQUIRE(exits.size() == 1);
    CHECK(exits[0].type == 1);
}

}  // namespace gh::hyp
