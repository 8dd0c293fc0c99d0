// SPDX-License-Identifier: BSD-3-Clause
#include "machine/run_gate.h"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace gh::machine {

TEST_CASE("a closed gate holds a thread until it is opened")
{
    RunGate gate;
    gate.close();
    std::atomic<bool> passed{false};
    std::thread vcpu([&] {
        gate.enter(true);
        passed = true;
    });
    while (!gate.holds())
        std::this_thread::yield();
    CHECK_FALSE(passed);
    gate.open();
    vcpu.join();
    CHECK(passed);
    CHECK_FALSE(gate.holds());
}

TEST_CASE("only a run is interrupted, and what it may not have seen is told")
{
    RunGate gate;
    int interrupts = 0;
    const auto interrupt = [&] { ++interrupts; };
    gate.nudge(interrupt);
    CHECK(interrupts == 0);
    gate.enter(false);
    gate.nudge(interrupt);
    CHECK(interrupts == 1);
    CHECK(gate.leave());
    gate.enter(false);
    CHECK_FALSE(gate.leave());
}

TEST_CASE("a run that may still carry an answer is left alone until it has delivered it")
{
    RunGate gate;
    int interrupts = 0;
    const auto interrupt = [&] { ++interrupts; };
    gate.enter(true);
    const auto now = RunGate::Clock::now();
    gate.nudge(interrupt, now);
    CHECK(interrupts == 0);
    gate.nudge(interrupt, now + RunGate::kDelivered);
    CHECK(interrupts == 1);
}

}  // namespace gh::machine
