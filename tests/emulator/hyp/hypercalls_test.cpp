// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/hypercalls.h"

#include "call_fixture.h"

#include <cstring>

#include <doctest/doctest.h>

namespace gh::hyp {

struct HypercallFixture : CallFixture {
    std::uint64_t hyp(unsigned number, std::uint64_t x0, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                      std::uint64_t x3 = 0)
    {
        return call(false, 0x6000 + number, x0, x1, x2, x3);
    }
    unsigned take()
    {
        const auto intid = static_cast<unsigned>(*icc(kIar1));
        write_icc(kEoir1, intid);
        return intid;
    }
};

TEST_CASE_FIXTURE(HypercallFixture, "identify answers in both forms (golden hyp.identify*)")
{
    CHECK(hyp(0, 0) == 0x5100'0000'0000'8001);
    CHECK(x[1] == 0x1000'0eff);
    CHECK(hvc(0xc600'8000) == 0x5100'0000'0000'8001);
    CHECK(x[1] == 0x1000'0eff);
    CHECK(call(true, 0, 0xc600'8000) == 0x5100'0000'0000'8001);
    CHECK(hvc(0x8600'8000) == ~0ull);
}

TEST_CASE_FIXTURE(HypercallFixture, "the immediate form spoils x9 to x17 but not x8 (golden 02.14)")
{
    (void)hyp(0, 0);
    CHECK(x[8] == pattern(8));
    CHECK(x[9] == 0x8002'0244);
    for (unsigned n = 10; n < 18; ++n)
        CHECK(x[n] == 0);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "the SMCCC form leaves all but the results (golden bell_send.smccc)")
{
    CHECK(hvc(0xc600'8012, 0x1234, 1) == 50);
    CHECK(x[1] == 0);
    CHECK(std::equal(x.begin() + 2, x.end(), in.begin() + 2));
}

TEST_CASE_FIXTURE(HypercallFixture, "a capability that is none is error 50 (golden hyp.*.badcap)")
{
    CHECK(hyp(0x12, 0x1234, 1) == 50);
    CHECK(hyp(0x13, 0x1234, 1) == 50);
    CHECK(hyp(0x13, 0x1234, 0) == 50);
    CHECK(hyp(0x1b, 0x1234, 8, 0x8000'0000) == 50);
    CHECK(hyp(0x1c, 0x1234, 0x8000'0000, 8) == 50);
    CHECK(hyp(0x38, 0x1234) == 50);
    CHECK(hyp(0x65, 0x1234) == 50);
    CHECK(hyp(0x3b, 1, 0x1234) == 50);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "nonsense is error 1 (golden hvc.imm.0x60*, cap-1, reserved-nonzero)")
{
    for (const unsigned n : {0x01u, 0x12u, 0x13u, 0x1bu, 0x1cu, 0x57u, 0x3bu, 0x65u}) {
        CHECK(hyp(n, 0x8400'0000, 1, 2, 3) == 1);
        CHECK((x[1] | x[2] | x[3]) == 0);
    }
    CHECK(hyp(0x12, ~0ull, 1) == 1);
    CHECK(hyp(0x12, 0x1234, 1, 5) == 1);
    CHECK(hyp(0x3b, 9) == 1);
    CHECK(hyp(0x3b, 0) == 0);
}

TEST_CASE_FIXTURE(HypercallFixture, "calls younger than this hypervisor do not exist")
{
    CHECK(hvc(0xc600'8069, 0, 0x8000'0000, 0x1000) == ~0ull);
    CHECK(hvc(0xc600'80ff) == ~0ull);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "entropy comes in words of 32 bits, at most four (golden hyp.prng.*)")
{
    CHECK(hyp(0x57, 0) == 2);
    CHECK(hyp(0x57, 1) == 3);
    CHECK(hyp(0x57, 17) == 2);
    CHECK(hyp(0x57, 8) == 0);
    CHECK(((x[1] | x[2]) >> 32) == 0);
    CHECK((x[3] | x[4]) == 0);
    CHECK(hyp(0x57, 16) == 0);
    CHECK((x[1] | x[2] | x[3] | x[4]) != 0);
}

TEST_CASE_FIXTURE(HypercallFixture, "a guest receives from its own doorbell but cannot ring it")
{
    doorbells[0].send(5);
    CHECK(hyp(0x13, BELL, 1) == 0);
    CHECK(x[1] == 5);
    CHECK(hyp(0x13, BELL, 0) == 1);
    CHECK(hyp(0x15, BELL, 4, 0) == 0);
    CHECK(hyp(0x14, BELL) == 0);
    CHECK(doorbells[0].receive(1) == 0);
    CHECK(hyp(0x12, BELL, 1) == 53);
    CHECK(hyp(0x1b, BELL, 8, 0x8000'0000) == 52);
    CHECK(hyp(0x38, BELL) == 52);
}

TEST_CASE_FIXTURE(HypercallFixture, "1.6 doorbell-source: the guest rings it and its flags gather")
{
    CHECK(hyp(0x12, BELL_SOURCE, 5) == 0);
    CHECK(x[1] == 0);
    CHECK(hyp(0x12, BELL_SOURCE, 2) == 0);
    CHECK(x[1] == 5);
    CHECK(hyp(0x12, BELL_SOURCE, 0) == 1);
    CHECK(hyp(0x13, BELL_SOURCE, 1) == 53);
    CHECK(hyp(0x14, BELL_SOURCE) == 53);
    CHECK(hyp(0x15, BELL_SOURCE, 1, 1) == 53);
    CHECK(doorbells[1].receive(~0ull) == 7);
}

TEST_CASE_FIXTURE(HypercallFixture, "1.6 source-can-clear: the guest also takes back what it rang")
{
    CHECK(hyp(0x12, BELL_CLEARED, 6) == 0);
    CHECK(hyp(0x13, BELL_CLEARED, 2) == 0);
    CHECK(x[1] == 6);
    CHECK(hyp(0x12, BELL_CLEARED, 8) == 0);
    CHECK(x[1] == 4);
}

TEST_CASE_FIXTURE(HypercallFixture, "4 vcpu_poweron: a vCPU that is off begins where it is told to")
{
    CHECK(hyp(0x38, VCPU1, 0x8000'1000, 0x55) == 0);
    CHECK(power.is_on(1));
    CHECK(woken == std::vector<unsigned>{1});
    const auto start = power.take_start(1);
    CHECK(start->entry == 0x8000'1000);
    CHECK(start->argument == 0x55);
    CHECK(hyp(0x38, VCPU1, 0, 0) == 31);
    CHECK(hyp(0x38, VCPU0, 0, 0) == 31);
}

TEST_CASE_FIXTURE(HypercallFixture, "4 vcpu_poweron flags: entry and context may stay as they are")
{
    CHECK(hyp(0x38, VCPU1, 1, 2, 4) == 1);
    CHECK(hyp(0x38, NONE, 1, 2, 4) == 1);
    CHECK(hyp(0x38, VCPU1, 1, 2, 3) == 0);
    const auto start = power.take_start(1);
    CHECK(!start->entry);
    CHECK(!start->argument);
}

TEST_CASE_FIXTURE(
    HypercallFixture,
    "4 vcpu_poweroff: of the caller alone, who must say that it is the last (inferred)")
{
    CHECK(hyp(0x39, VCPU0, 2) == 1);
    CHECK(hyp(0x39, VCPU1, 1) == 1);
    CHECK(hyp(0x39, VCPU0, 0) == 30);
    CHECK(after == After::GoOn);
    CHECK(power.is_on(0));
    CHECK(hyp(0x39, VCPU0, 1) == VCPU0);  // does not return
    CHECK(untouched());
    CHECK(after == After::Leave);
    CHECK_FALSE(power.is_on(0));
}

TEST_CASE_FIXTURE(HypercallFixture, "4 rights: of its vCPUs a guest has the right to power alone")
{
    CHECK(hyp(0x3a, VCPU0) == 53);  // kill
    for (const unsigned n : {0x46u, 0x47u, 0x5cu, 0x5du, 0x64u, 0x65u, 0x68u, 0x34u, 0x0cu, 0x0eu})
        CHECK(hyp(n, VCPU1) == 53);
    CHECK(hyp(0x3b, 1, VCPU1) == 53);  // yield to
    CHECK(hyp(0x3b, 1, BELL) == 52);
    for (const unsigned n : {0x01u, 0x22u, 0x28u, 0x2au, 0x2bu, 0x3cu, 0x40u, 0x60u})
        CHECK(hyp(n, VCPU1) == 52);  // of other objects, of which it has none
    CHECK(hyp(0x3d, VCPU1, 0, 0) == 1);
    CHECK(hyp(0x3d, VCPU1, 0, ~0ull) == 53);
    CHECK(hyp(0x38, NONE) == 50);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "4 msgqueue_send: messages of the guest's memory reach the owner")
{
    std::memcpy(ram + 0xff8, "12345678", 8);
    CHECK(hyp(0x1b, SENDER, 8, kRam + 0xff8) == 0);
    CHECK(x[1] == 1);
    CHECK(used_queues == std::vector<unsigned>{0});
    std::array<std::byte, 240> got{};
    CHECK(queues[0].take(got) == 8);
    CHECK(std::memcmp(got.data(), "12345678", 8) == 0);
    CHECK(hvc(0xc600'801b, SENDER, 240, kRam) == 0);
    CHECK(x[1] == 1);
    CHECK(queues[0].take(got) == 240);
}

TEST_CASE_FIXTURE(HypercallFixture, "4 message queue limits: 240 bytes, eight deep")
{
    CHECK(hyp(0x1b, SENDER, 0, kRam) == 2);
    CHECK(hyp(0x1b, SENDER, 241, kRam) == 2);
    CHECK(hyp(0x1b, SENDER, ~0ull, kRam) == 2);
    for (unsigned n = 0; n < 8; ++n) {
        CHECK(hyp(0x1b, SENDER, 240, kRam) == 0);
        CHECK(x[1] == (n < 7 ? 1 : 0));
    }
    CHECK(hyp(0x1b, SENDER, 240, kRam) == 61);
    CHECK(hyp(0x1b, SENDER, 0, 0) == 61);
    CHECK(used_queues.size() == 8);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "4 msgqueue_receive: messages of the owner reach the guest's memory")
{
    const std::array<std::byte, 3> message{std::byte{7}, std::byte{8}, std::byte{9}};
    CHECK(hyp(0x1c, RECEIVER, kRam, 240) == 60);
    CHECK((x[1] | x[2]) == 0);
    CHECK(queues[1].post(message));
    CHECK(queues[1].post(message));
    CHECK(hyp(0x1c, RECEIVER, kRam, 2) == 2);
    CHECK(hyp(0x1c, RECEIVER, kRam, 3) == 0);
    CHECK(x[1] == 3);
    CHECK(x[2] == 1);
    CHECK(ram[2] == std::byte{9});
    CHECK(hyp(0x1c, RECEIVER, kRam + 0x100, 240) == 0);
    CHECK(x[2] == 0);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "4 msgqueue addresses: what is wrong with them has its own error")
{
    CHECK(hyp(0x1b, SENDER, 16, kRam + 0xff8) == 22);         // runs into what is no RAM
    CHECK(hyp(0x1b, SENDER, 16, 0x1000) == 22);               // a device
    CHECK(hyp(0x1b, SENDER, 16, ~0ull) == 20);                // wraps
    CHECK(hyp(0x1b, SENDER, 1, 0x0001'0000'0000'0000) == 1);  // beyond what a flat stage 1 maps
    pages.add(kRam + 0x1000, false);
    CHECK(hyp(0x1b, SENDER, 16, kRam + 0x1000) == 0);
    const std::array<std::byte, 16> message{};
    CHECK(queues[1].post(message));
    CHECK(hyp(0x1c, RECEIVER, kRam + 0x1000, 16) == 30);
    CHECK((x[1] == 0 && x[2] == 1));
    CHECK(hyp(0x1c, RECEIVER, kRam + 0xff8, 16) == 30);
    CHECK(hyp(0x1c, RECEIVER, kRam + 0xff0, 16) == 0);  // it was still there
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "4 rights: each end of a queue does its own calls, neither binds")
{
    CHECK(hyp(0x1c, SENDER, kRam, 240) == 53);
    CHECK(hyp(0x1d, SENDER) == 53);
    CHECK(hyp(0x20, SENDER, 1, ~0ull, ~0ull) == 53);
    CHECK(hyp(0x1b, RECEIVER, 8, kRam) == 53);
    CHECK(hyp(0x1f, RECEIVER, 1, ~0ull, ~0ull) == 53);
    for (const unsigned n : {0x17u, 0x18u, 0x19u, 0x1au, 0x21u})
        CHECK(hyp(n, n % 2 == 0 ? RECEIVER : SENDER) == 53);
    CHECK(hyp(0x12, SENDER, 1) == 52);
}

TEST_CASE_FIXTURE(HypercallFixture, "4 msgqueue_configure: thresholds within the depth, no delays")
{
    CHECK(hyp(0x1f, SENDER, 0, ~0ull, 0) == 1);  // what is reserved must be -1
    CHECK(hyp(0x1f, SENDER, 0, 5, ~0ull) == ~0ull);
    CHECK(hyp(0x1f, SENDER, 8, ~0ull, ~0ull) == 1);
    CHECK(hyp(0x1f, SENDER, 7, ~0ull, ~0ull) == 0);
    CHECK(hyp(0x1f, SENDER, ~0ull, ~0ull, ~0ull) == 0);
    CHECK(hyp(0x20, RECEIVER, 0, ~0ull, ~0ull) == 1);
    CHECK(hyp(0x20, RECEIVER, 9, ~0ull, ~0ull) == 1);
    CHECK(hyp(0x20, RECEIVER, 8, ~0ull, ~0ull) == 0);
    CHECK(hyp(0x20, RECEIVER, ~1ull, ~0ull, ~0ull) == 0);
    CHECK(hyp(0x20, RECEIVER, 1, 0, ~0ull) == ~0ull);
}

TEST_CASE_FIXTURE(HypercallFixture, "4 msgqueue_flush: messages and their interrupt are gone")
{
    const std::array<std::byte, 3> message{};
    CHECK(queues[1].post(message));
    CHECK(irq[0]);
    CHECK(hyp(0x1d, RECEIVER) == 0);
    CHECK(hyp(0x1c, RECEIVER, kRam, 240) == 60);
    CHECK(queues[1].post(message));
    CHECK(take() == 42);
}

}  // namespace gh::hyp
