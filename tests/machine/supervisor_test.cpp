// SPDX-License-Identifier: BSD-3-Clause
#include "machine/supervisor.h"

#include "../boot/fake_image.h"
#include "../control/runtime_folder.h"
#include "base/error.h"
#include "base/unix_socket.h"
#include "control/client.h"
#include "control/place.h"
#include "played_device.h"

#include <filesystem>
#include <thread>

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::machine {
namespace {

constexpr std::uint64_t kUart = 0x3000'0000;
using Steps = std::vector<Play::Step>;

/// A VM whose machines play one script after the other, and a person beside it.
struct Fixture : control::RuntimeFolder {
    Fixture()
    {
        vm.name = "supervised";
        vm.kernel.path = kernel.path();
        vm.memory.size = 64 << 20;
        vm.serial = {{.type = config::SerialType::Null, .path = {}}};
    }

    Outcome run(std::vector<Steps> scripts)
    {
        const Signals signals;
        HostParts parts(vm);
        const auto build = [&] {
            REQUIRE(built < scripts.size());
            plays.push_back(std::make_unique<Play>());
            plays.back()->vcpus = {scripts[built++]};
            auto device = std::make_unique<PlayedFile>(*plays.back(), "device");
            return std::make_unique<Machine>(vm, make_plan(vm),
                                             OpenedVm{gunyah::Vm(std::move(device)), true}, parts);
        };
        std::jthread person;  // joined last: it may wait for the supervisor's end
        Supervisor supervisor(vm, build, signals);
        if (act)
            person = std::jthread(act);
        return supervisor.run();
    }
    std::string ask(control::Command command)
    {
        return control::Client(vm.name).ask({.command = command});
    }
    std::string state() { return control::status_from_json(ask(control::Command::Status)).state; }
    void await(const std::string& wanted)
    {
        while (state() != wanted)
            std::this_thread::yield();
    }

    TemporaryFile kernel{fake_image(0x10000, 0x30'0000)};
    config::Vm vm;
    std::size_t built = 0;
    std::vector<std::unique_ptr<Play>> plays;
    std::function<void()> act;
};

config::EndPolicy restart(unsigned limit)
{
    return {.action = config::EndAction::Restart, .limit = limit, .backoff = 0};
}

const Steps kResets{ends(gunyah::ExitType::PlatformReset)};
const Steps kOff{ends(gunyah::ExitType::PlatformOff)};
const Steps kCrashes{ends(gunyah::ExitType::SoftwareError)};
const Steps kBites{ends(gunyah::ExitType::WatchdogBite)};
const Steps kSleeps{};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "without policies each ending is the VM's, with its own status")
{
    CHECK(run({kOff}).code == kPoweredOff);
    CHECK((built = 0, run({kResets}).code) == kReset);
    CHECK((built = 0, run({kCrashes}).code) == kCrash);
    CHECK((built = 0, run({kBites}).code) == kWatchdog);
}

TEST_CASE_FIXTURE(Fixture, "a restart builds a machine anew, after all of the old one is gone")
{
    vm.on_reboot = restart(5);
    CHECK(run({kResets, kResets, kOff}).code == kPoweredOff);
    REQUIRE(plays.size() == 3);
    for (const auto& play : plays)
        CHECK(play->closed == std::vector<std::string>{"vcpu", "vm", "device"});
}

TEST_CASE_FIXTURE(Fixture, "the limit ends the VM with what ended the guest last")
{
    vm.on_crash = restart(2);
    CHECK(run({kCrashes, kCrashes, kCrashes}).code == kCrash);
    CHECK(built == 3);
}

TEST_CASE_FIXTURE(Fixture, "each ending has its own policy, and a row counts across them")
{
    vm.on_poweroff = restart(9);
    vm.on_watchdog = restart(1);
    CHECK(run({kOff, kBites}).code == kWatchdog);
}

TEST_CASE_FIXTURE(Fixture, "what cannot be built again ends the VM with the reason")
{
    vm.on_reboot = restart(5);
    const Steps reset_and_remove{[this](gh_vcpu_run& page) {
        std::filesystem::remove(kernel.path());
        return ends(gunyah::ExitType::PlatformReset)(page);
    }};
    CHECK_THROWS_WITH_AS((void)run({reset_and_remove, kOff}), doctest::Contains("open"), Error);
}

TEST_CASE_FIXTURE(Fixture, "pause keeps what is left until somebody says stop")
{
    vm.on_crash.action = config::EndAction::Pause;
    act = [this] {
        await("ended");
        CHECK_THROWS_WITH_AS(ask(control::Command::Resume), "the guest is not paused", Error);
        CHECK(plays[0]->closed.empty());
        (void)ask(control::Command::Stop);
    };
    CHECK(run({kCrashes}).code == kCrash);
}

TEST_CASE_FIXTURE(Fixture, "a kept guest can be started anew")
{
    vm.on_crash.action = config::EndAction::Pause;
    act = [this] {
        await("ended");
        (void)ask(control::Command::Reset);
    };
    CHECK(run({kCrashes, kOff}).code == kPoweredOff);
}

TEST_CASE_FIXTURE(Fixture, "reset starts a running guest anew, whatever the policies say")
{
    act = [this] {
        await("running");
        (void)ask(control::Command::Reset);
    };
    CHECK(run({kSleeps, kOff}).code == kPoweredOff);
    CHECK(built == 2);
}

TEST_CASE_FIXTURE(Fixture, "stop is no end that a policy restarts")
{
    vm.on_poweroff = restart(0);
    act = [this] {
        await("running");
        (void)ask(control::Command::Stop);
    };
    const Outcome outcome = run({kSleeps});
    CHECK(outcome.code == kPoweredOff);
    CHECK(outcome.why == "ended by gh-vmm stop");
}

TEST_CASE_FIXTURE(Fixture, "stop is not lost to a reset that somebody asked for just before")
{
    act = [this] {
        await("running");
        const Fd socket = connect_unix(control::find_socket(vm.name), SOCK_STREAM);
        const std::string both = R"({"command":"reset"})"
                                 "\n"
                                 R"({"command":"stop"})"
                                 "\n";
        REQUIRE(::send(socket.get(), both.data(), both.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(both.size()));
        pollfd end{.fd = socket.get(), .events = POLLRDHUP, .revents = 0};
        REQUIRE(::poll(&end, 1, -1) == 1);
    };
    const Outcome outcome = run({kSleeps, kOff});
    CHECK(outcome.code == kPoweredOff);
    CHECK(outcome.why == "ended by gh-vmm stop");
    CHECK(built == 1);
}

TEST_CASE_FIXTURE(Fixture, "a guest that is suspended for longer is not bitten by its watchdog")
{
    vm.watchdog = true;
    constexpr std::uint64_t kDog = 0x3001'2000;
    const Steps neglects{writes_word(kDog, Sp805::kClock / 2), writes_word(kDog + 8, 3)};
    act = [this] {
        await("running");
        while (plays[0]->count(gunyah::GH_VCPU_RUN) < 3)
            std::this_thread::yield();
        (void)ask(control::Command::Suspend);
        std::this_thread::sleep_for(std::chrono::milliseconds(1200));  // bites after 1000
        CHECK(state() == "paused");
        (void)ask(control::Command::Resume);
    };
    CHECK(run({neglects}).code == kWatchdog);
}

TEST_CASE_FIXTURE(Fixture, "a VM that waits for its restart can be stopped")
{
    vm.on_crash = {.action = config::EndAction::Restart, .limit = 0, .backoff = 60'000};
    act = [this] {
        await("restarting");
        ::kill(::getpid(), SIGTERM);
    };
    CHECK(run({kCrashes}).why == "ended by SIGTERM");
    CHECK(built == 1);
}

TEST_CASE_FIXTURE(Fixture, "paused vCPUs stay out of RUN until they are resumed")
{
    act = [this] {
        await("running");
        while (plays[0]->count(gunyah::GH_VCPU_RUN) == 0)
            std::this_thread::yield();
        (void)ask(control::Command::Suspend);
        CHECK(state() == "paused");
        const auto runs = plays[0]->count(gunyah::GH_VCPU_RUN);
        (void)ask(control::Command::Suspend);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        CHECK(plays[0]->count(gunyah::GH_VCPU_RUN) == runs);
        (void)ask(control::Command::Resume);
        while (plays[0]->count(gunyah::GH_VCPU_RUN) == runs)
            std::this_thread::yield();
        CHECK(state() == "running");
        (void)ask(control::Command::Suspend);
        (void)ask(control::Command::Stop);
    };
    CHECK(run({kSleeps}).why == "ended by gh-vmm stop");
}

TEST_CASE_FIXTURE(Fixture, "no pause costs a guest the answer to a read")
{
    std::atomic<unsigned> wrong{0};
    const Play::Step look = [&](gh_vcpu_run& page) {  // at the last answer, and reads again
        for (std::size_t byte = 0; byte < 4; ++byte)
            wrong += page.mmio.data.at(byte) != 0xff ? 1 : 0;
        return reads(0x1000, 4)(page);
    };
    Steps steps(400'000, look);
    steps.front() = reads(0x1000, 4);
    act = [&] {
        await("running");
        for (int i = 0; i < 20; ++i) {
            (void)ask(control::Command::Suspend);
            (void)ask(control::Command::Resume);
        }
        (void)ask(control::Command::Stop);
    };
    CHECK(run({steps}).code == kPoweredOff);
    CHECK(wrong == 0);
}

TEST_CASE_FIXTURE(Fixture, "a guest that says the word is ready")
{
    vm.boot = {.timeout = 60'000, .ready = "up"};
    act = [this] {
        while (!control::status_from_json(ask(control::Command::Status)).ready)
            std::this_thread::yield();
        (void)ask(control::Command::Stop);
    };
    CHECK(run({{writes(kUart, 'u'), writes(kUart, 'p')}}).code == kPoweredOff);
}

TEST_CASE_FIXTURE(Fixture, "a guest that does not say it in time is ended, with words of its own")
{
    vm.boot = {.timeout = 50, .ready = "up"};
    const Outcome outcome = run({{writes(kUart, 'u')}});
    CHECK(outcome.code == kNotReady);
    CHECK(outcome.why ==
          "the guest was not ready within 50ms (boot.timeout): \"up\" did not come "
          "on its first serial line");
}

TEST_CASE_FIXTURE(Fixture, "a guest that is not ready in time counts as crashed")
{
    vm.boot = {.timeout = 50, .ready = "up"};
    vm.on_crash = restart(1);
    CHECK(run({kSleeps, kSleeps}).code == kNotReady);
    CHECK(built == 2);
}

TEST_CASE_FIXTURE(Fixture, "events tell the life of a VM in its order")
{
    vm.on_reboot = restart(5);
    std::string told;
    act = [&] {
        await("running");
        control::Client watcher(vm.name);
        (void)watcher.ask({.command = control::Command::Events});
        (void)ask(control::Command::Suspend);
        (void)ask(control::Command::Resume);
        (void)ask(control::Command::Reset);
        while (const auto line = watcher.next_line())
            told += line->substr(10, line->find('"', 10) - 10) + " ";
    };
    CHECK(run({kSleeps, kResets, kOff}).code == kPoweredOff);
    CHECK(told ==
          "paused resumed stopped restarting starting running ready reset restarting starting "
          "running ready poweroff exit ");
}

TEST_CASE_FIXTURE(Fixture, "a second VM of the same name runs without a socket of its own")
{
    act = [this] {
        await("running");
        config::Vm other = vm;
        const Signals signals;
        HostParts parts(other);
        Play play;
        play.vcpus = {kOff};
        const auto build = [&] {
            auto device = std::make_unique<PlayedFile>(play, "device");
            return std::make_unique<Machine>(other, make_plan(other),
                                             OpenedVm{gunyah::Vm(std::move(device)), true}, parts);
        };
        CHECK(Supervisor(other, build, signals).run().code == kPoweredOff);
        other.control.socket = control::find_socket(vm.name);
        CHECK_THROWS_WITH_AS(Supervisor(other, build, signals), doctest::Contains("control socket"),
                             Error);
        (void)ask(control::Command::Stop);
    };
    CHECK(run({kSleeps}).why == "ended by gh-vmm stop");
}

}  // namespace gh::machine
