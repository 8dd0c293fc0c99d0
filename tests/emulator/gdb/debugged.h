// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../hyp/guest.h"
#include "emulator/hyp/debugger.h"

#include <memory>
#include <thread>
#include <vector>

namespace gh::gdb {

/// A guest that counts: x3 up by one, stored at [x1], for ever. Its vCPUs are driven as the driver
/// does it, and stand at first.
struct Debugged : hyp::Guest {
    explicit Debugged(unsigned cpus = 1, hyp::Engine with = hyp::Engine::Auto)
    {
        engine = with;
        boot.x[1] = hyp::kBase + 0x2000;
        put({
            0x91000463,  // add x3, x3, #1
            0xf9000023,  // str x3, [x1]
            0xd503201f,  // nop
            0x17fffffd,  // b -3
        });
        debugger = std::make_shared<hyp::Debugger>(hyp::Debugger::Beginning::Stopped);
        start(cpus, true);
        for (unsigned n = 0; n < cpus; ++n)
            threads.emplace_back([this, n] { drive(n); });
    }
    ~Debugged()
    {
        vm->stop();
        threads.clear();
        vm.reset();
    }
    Debugged(const Debugged&) = delete;
    Debugged& operator=(const Debugged&) = delete;

    void drive(unsigned n)
    {
        while (!vm->exited()) {
            const auto result = vm->run(n, {});
            if (result.state == hyp::VcpuState::ExpectsWakeup ||
                result.state == hyp::VcpuState::PoweredOff)
                vm->wait_for_wakeup(n);
        }
    }
    /// What the guest has counted.
    [[nodiscard]] std::uint64_t counted() const
    {
        return __atomic_load_n(reinterpret_cast<std::uint64_t*>(ram.get() + 0x2000),
                               __ATOMIC_RELAXED);
    }

    std::vector<std::jthread> threads;
};

}  // namespace gh::gdb
