// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/smccc.h"
#include "gic_fixture.h"
#include "guest_pages.h"

#include <array>
#include <deque>
#include <vector>

namespace gh::hyp {

/// A VM's services without a PE: two vCPUs of which the first is on, doorbells and queues in both
/// directions, and a page of RAM.
struct CallFixture : GicFixture<2> {
    static constexpr std::uint64_t kRam = 0x8000'0000;
    /// The guest's capabilities by number.
    enum : std::uint64_t { BELL, BELL_SOURCE, BELL_CLEARED, SENDER, RECEIVER, VCPU0, VCPU1, NONE };

    CallFixture()
    {
        enable_all();
        ram = pages.add(kRam);
        for (const unsigned intid : {40u, 0u, 0u})
            doorbells.emplace_back(intid, gic);
        queues.emplace_back(MessageQueueConfig{.guest_sends = true, .intid = 41}, gic);
        queues.emplace_back(MessageQueueConfig{.guest_sends = false, .intid = 42}, gic);
    }

    /// Calls with a pattern in the registers that are not arguments, as the guest probe does.
    std::uint64_t call(bool smc, unsigned immediate, std::uint64_t function, std::uint64_t x1 = 0,
                       std::uint64_t x2 = 0, std::uint64_t x3 = 0)
    {
        for (unsigned n = 0; n < in.size(); ++n)
            in[n] = pattern(n);
        in[0] = function;
        in[1] = x1;
        in[2] = x2;
        in[3] = x3;
        for (unsigned n = 4; n < 8; ++n)
            in[n] = 0;
        return call_with(smc, immediate);
    }
    /// Calls with all of `in`.
    std::uint64_t call_with(bool smc, unsigned immediate)
    {
        x = in;
        Call it{.vcpu = vcpu,
                .irq = pending,
                .return_address = 0x8002'0244,
                .x = std::span(x),
                .memory = {state, pages}};
        after = smccc.call(it, smc, static_cast<std::uint16_t>(immediate));
        return x[0];
    }
    std::uint64_t hvc(std::uint64_t function, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                      std::uint64_t x3 = 0)
    {
        return call(false, 0, function, x1, x2, x3);
    }
    static std::uint64_t pattern(std::uint64_t n)
    {
        return 0x1111'1111'1111'1111 * (n & 15) + 0x100 * n;
    }
    /// True if the call changed none of x1..x17.
    [[nodiscard]] bool untouched() const
    {
        return std::equal(x.begin() + 1, x.end(), in.begin() + 1);
    }

    std::vector<VcpuConfig> vcpus{{.mpidr = 0x8000'0000, .boots = true}, {.mpidr = 0x8000'0001}};
    std::vector<unsigned> woken;
    std::vector<VmExit> exits;
    Power power{vcpus, [this](unsigned n) { woken.push_back(n); },
                [this](const VmExit& exit) { exits.push_back(exit); }};
    Psci psci{power};
    GuestPages pages;
    std::byte* ram = nullptr;
    cpu::State state;
    std::deque<Doorbell> doorbells;
    std::deque<MessageQueue> queues;
    std::vector<unsigned> used_queues;
    Hypercalls hypercalls{{.capabilities = {{ObjectType::Doorbell, kDoorbellReceive, 0},
                                            {ObjectType::Doorbell, kDoorbellSend, 1},
                                            {ObjectType::Doorbell, 3, 2},
                                            {ObjectType::MessageQueue, kQueueSend, 0},
                                            {ObjectType::MessageQueue, kQueueReceive, 1},
                                            {ObjectType::Thread, kThreadPower, 0},
                                            {ObjectType::Thread, kThreadPower, 1}},
                           .power = power,
                           .doorbells = doorbells,
                           .queues = queues,
                           .on_message = [this](unsigned n) { used_queues.push_back(n); }}};
    Smccc smccc{&psci, hypercalls};

    unsigned vcpu = 0;
    bool pending = false;
    std::array<std::uint64_t, 18> in{};
    std::array<std::uint64_t, 18> x{};
    After after = After::GoOn;
};

}  // namespace gh::hyp
