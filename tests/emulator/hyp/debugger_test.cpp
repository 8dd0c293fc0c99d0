// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/debugger.h"

#include "guest.h"

#include <array>
#include <thread>

#include <doctest/doctest.h>

#include <poll.h>

namespace gh::hyp {
namespace {

using Order = Debugger::Order;
using Reason = cpu::DebugStop::Reason;

/// Counts x3 up and stores it at [x1], for ever.
const Code kCount{
    0x91000463,  // add x3, x3, #1
    0xf9000023,  // str x3, [x1]
    0xd503201f,  // nop
    0x17fffffd,  // b -3
};

/// A guest of one or two vCPUs whose threads call as the driver does.
struct Debugged : Guest {
    ~Debugged()
    {
        if (vm)
            vm->stop();
        threads.clear();
        vm.reset();
    }

    void begin(Engine with, unsigned cpus = 1)
    {
        engine = with;
        boot.x[1] = kBase + 0x2000;
        debugger = std::make_shared<Debugger>(Debugger::Beginning::Stopped);
        start(cpus, true);
        for (unsigned n = 0; n < cpus; ++n)
            threads.emplace_back([this, n] { drive(n); });
    }
    void drive(unsigned n)
    {
        while (!vm->exited()) {
            const auto result = vm->run(n, {});
            if (result.state == VcpuState::ExpectsWakeup || result.state == VcpuState::PoweredOff)
                vm->wait_for_wakeup(n);
        }
    }
    Debugger::Stop wait()
    {
        auto stop = debugger->stopped();
        while (!stop) {
            pollfd event{.fd = debugger->event().get(), .events = POLLIN, .revents = 0};
            REQUIRE(::poll(&event, 1, 60'000) == 1);
            debugger->event().drain();
            stop = debugger->stopped();
        }
        return *stop;
    }
    Debugger::Stop go(std::vector<Order> orders)
    {
        debugger->resume(orders);
        return wait();
    }
    std::uint64_t pc(unsigned n = 0)
    {
        std::uint64_t value = 0;
        CHECK(debugger->with(n, [&](cpu::Cpu& pe) { value = pe.state().pc; }));
        return value;
    }
    std::uint64_t x(unsigned which, unsigned n = 0)
    {
        std::uint64_t value = 0;
        CHECK(debugger->with(n, [&](cpu::Cpu& pe) { value = pe.state().x[which]; }));
        return value;
    }
    /// Both engines get hot.
    void run_for_a_while()
    {
        debugger->resume(std::vector(debugger->vcpus(), Order::Go));
        while (stored() < 100'000)
            std::this_thread::yield();
        debugger->stop();
    }
    [[nodiscard]] std::uint64_t stored() const
    {
        return __atomic_load_n(reinterpret_cast<std::uint64_t*>(ram.get() + 0x2000),
                               __ATOMIC_RELAXED);
    }

    std::vector<std::jthread> threads;
};

constexpr std::array kEngines{Engine::Interpreter, Engine::Auto};

}  // namespace

TEST_CASE("a guest that begins stopped has not executed anything")
{
    Debugged guest;
    guest.put(kCount);
    guest.begin(Engine::Interpreter, 2);
    CHECK(guest.wait().why.reason == Reason::Asked);
    CHECK(guest.pc(0) == kBase);
    CHECK(guest.pc(1) == kBase);
    CHECK(guest.x(3) == 0);
}

TEST_CASE("a step executes one instruction, and one that waits is none")
{
    for (const Engine engine : kEngines) {
        Debugged guest;
        guest.put(kCount);
        guest.begin(engine);
        for (const std::uint64_t offset : {4u, 8u, 12u, 0u, 4u}) {
            CHECK(guest.go({Order::Step}).why.reason == Reason::Step);
            CHECK(guest.pc() == kBase + offset);
        }
        CHECK(guest.x(3) == 2);
    }
}

TEST_CASE("a breakpoint stops before its instruction, in hot code too")
{
    for (const Engine engine : kEngines) {
        Debugged guest;
        guest.put(kCount);
        guest.begin(engine);
        guest.run_for_a_while();
        CHECK(guest.debugger->set_stop_points({.breakpoints = {kBase + 8}, .watchpoints = {}}));
        if (guest.pc() == kBase + 8)
            (void)guest.go({Order::Step});
        const auto stop = guest.go({Order::Go});
        CHECK(stop.why.reason == Reason::Breakpoint);
        CHECK(guest.pc() == kBase + 8);
        const std::uint64_t before = guest.x(3);
        CHECK(guest.go({Order::Go}).why.reason == Reason::Breakpoint);
        CHECK(guest.x(3) == before);  // not stepped over
        (void)guest.go({Order::Step});
        (void)guest.go({Order::Go});
        CHECK(guest.x(3) == before + 1);
    }
}

TEST_CASE("a watchpoint stops before the store, in hot code too")
{
    for (const Engine engine : kEngines) {
        Debugged guest;
        guest.put(kCount);
        guest.begin(engine);
        guest.run_for_a_while();
        const auto watch = [](bool read, bool write) {
            return cpu::StopPoints{
                .breakpoints = {},
                .watchpoints = {
                    {.start = kBase + 0x2004, .size = 2, .on_read = read, .on_write = write}}};
        };
        CHECK(guest.debugger->set_stop_points(watch(false, true)));
        if (guest.pc() == kBase + 4)
            (void)guest.debugger->with(0, [](cpu::Cpu& pe) { pe.state().pc = kBase; });
        const auto stop = guest.go({Order::Go});
        CHECK(stop.why.reason == Reason::Watchpoint);
        CHECK(stop.why.address == kBase + 0x2004);
        CHECK(guest.pc() == kBase + 4);
        std::uint64_t stored = 0;
        CHECK(guest.debugger->read_memory(0, kBase + 0x2000,
                                          std::as_writable_bytes(std::span(&stored, 1))) == 8);
        CHECK(stored + 1 == guest.x(3));
        CHECK(guest.debugger->set_stop_points(watch(true, false)));
        guest.debugger->resume(std::array{Order::Go});
        while (guest.stored() < stored + 1000)  // nobody reads
            CHECK_FALSE(guest.debugger->stopped());
    }
}

TEST_CASE("all vCPUs stop together, and one may go alone")
{
    for (const Engine engine : kEngines) {
        Debugged guest;
        guest.put(kCount);
        guest.begin(engine, 2);
        guest.run_for_a_while();
        const std::uint64_t other = guest.x(3, 1);
        CHECK(guest.debugger->set_stop_points({.breakpoints = {kBase}, .watchpoints = {}}));
        if (guest.pc(0) == kBase)
            (void)guest.go({Order::Step, Order::Stay});
        CHECK(guest.go({Order::Go, Order::Stay}).vcpu == 0);
        CHECK(guest.x(3, 1) == other);
        CHECK(guest.go({Order::Stay, Order::Step}).vcpu == 1);
    }
}

TEST_CASE("code that a debugger writes is what runs next")
{
    for (const Engine engine : kEngines) {
        Debugged guest;
        guest.put(kCount);
        guest.begin(engine);
        guest.run_for_a_while();
        const std::uint32_t add_two = 0x91000863;
        CHECK(guest.debugger->write_memory(0, kBase, std::as_bytes(std::span(&add_two, 1))) == 4);
        CHECK(guest.debugger->set_stop_points({.breakpoints = {kBase + 4}, .watchpoints = {}}));
        (void)guest.debugger->with(0, [](cpu::Cpu& pe) { pe.state().pc = kBase; });
        const std::uint64_t before = guest.x(3);
        (void)guest.go({Order::Go});
        CHECK(guest.x(3) == before + 2);
    }
}

TEST_CASE("memory that is not there is said to be short")
{
    Debugged guest;
    guest.put(kCount);
    guest.begin(Engine::Interpreter);
    std::array<std::byte, 32> bytes{};
    CHECK(guest.debugger->read_memory(0, kBase + Guest::kRam - 8, bytes) == 8);
    CHECK(guest.debugger->read_memory(0, 0x1000, bytes) == 0);
    CHECK(guest.debugger->write_memory(0, ~std::uint64_t{7}, bytes) == 0);
}

TEST_CASE("a stopped VM can be kicked and ended")
{
    Debugged guest;
    guest.put(kCount);
    guest.begin(Engine::Interpreter, 2);
    guest.vm->kick(1);
    (void)guest.wait();
    guest.vm->stop();
    guest.threads.clear();
    CHECK(guest.debugger->ended());
    guest.vm.reset();
    CHECK(guest.debugger->vcpus() == 0);
    guest.debugger->stop();  // nobody is there: nothing
}

}  // namespace gh::hyp
