// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/smccc.h"
#include "gic_fixture.h"

#include <array>
#include <deque>
#include <vector>

namespace gh::hyp {

/// A VM's services without a PE: two vCPUs of which the first is on, one doorbell.
struct CallFixture : GicFixture<2> {
    CallFixture()
    {
        enable_all();
        doorbells.emplace_back(40, gic);
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
        x = in;
        Call it{.vcpu = vcpu, .irq = pending, .return_address = 0x8002'0244, .x = std::span(x)};
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
    std::deque<Doorbell> doorbells;
    Hypercalls hypercalls{doorbells};
    Smccc smccc{&psci, hypercalls};

    unsigned vcpu = 0;
    bool pending = false;
    std::array<std::uint64_t, 18> in{};
    std::array<std::uint64_t, 18> x{};
    After after = After::GoOn;
};

}  // namespace gh::hyp
