// SPDX-License-Identifier: BSD-3-Clause
#include "machine/machine.h"

#include "../boot/fake_image.h"
#include "base/error.h"
#include "machine/supervisor.h"
#include "played_device.h"

#include <array>
#include <csignal>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::machine {
namespace {

constexpr std::uint64_t kUart = 0x3000'0000;

struct Fixture {
    Fixture()
    {
        vm.name = "machine-test";
        vm.kernel.path = kernel.path();
        vm.memory.size = 64 << 20;
        vm.serial = {{.type = config::SerialType::File, .path = output.path()}};
    }

    Outcome run()
    {
        const Signals signals;
        vm.control.enabled = false;
        HostParts parts(vm);
        const auto build = [&] {
            return std::make_unique<Machine>(vm, make_plan(vm), open(), parts);
        };
        return Supervisor(vm, build, signals).run();
    }
    OpenedVm open() { return {gunyah::Vm(std::make_unique<PlayedFile>(play, "device")), true}; }
    std::string printed()
    {
        std::array<char, 256> bytes{};
        const Fd file = open_file(output.path(), O_RDONLY);
        const auto count = ::read(file.get(), bytes.data(), bytes.size());
        return {bytes.data(), static_cast<std::size_t>(count)};
    }

    TemporaryFile kernel{fake_image(0x10000, 0x30'0000)};
    TemporaryFile output{std::uint64_t{0}};
    config::Vm vm;
    Play play;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "what the guest writes to its port is on the host when the VM is over")
{
    play.vcpus = {{writes(kUart, 'h'), writes(kUart, 'i'), ends(gunyah::ExitType::PlatformOff)}};
    CHECK(run().code == 0);
    CHECK(printed() == "hi");
}

TEST_CASE_FIXTURE(Fixture, "a VM is taken down in order: vCPUs, VM, device")
{
    vm.cpus.count = 2;
    play.vcpus = {{ends(gunyah::ExitType::PlatformReset)}, {}};
    CHECK(run().code == 32);
    CHECK(play.closed == std::vector<std::string>{"vcpu", "vcpu", "vm", "device"});
}

TEST_CASE_FIXTURE(Fixture, "memory holds the devicetree when it is given")
{
    play.vcpus = {{ends(gunyah::ExitType::PlatformOff)}};
    (void)run();
    REQUIRE(play.memory.size() == 1);
    CHECK(play.memory[0].guest_phys_addr == 0x8000'0000);
    CHECK(play.memory[0].memory_size == 64 << 20);
    CHECK(play.dtb.size == 0x20'0000);
    CHECK(play.count(gunyah::GUNYAH_VM_SET_BOOT_CONTEXT) == 2);
}

TEST_CASE_FIXTURE(Fixture, "lent memory is lent by its own request")
{
    vm.memory.sharing = config::Sharing::Lend;
    play.vcpus = {{ends(gunyah::ExitType::PlatformOff)}};
    (void)run();
    CHECK(play.count(gunyah::GH_VM_ANDROID_LEND_USER_MEM) == 1);
}

TEST_CASE_FIXTURE(Fixture, "a read where nothing is answers all ones, and the guest goes on")
{
    std::uint64_t seen = 0;
    const Play::Step look = [&](gh_vcpu_run& page) {
        std::copy_n(page.mmio.data.begin(), 4, std::bit_cast<std::uint8_t*>(&seen));
        return ends(gunyah::ExitType::PlatformOff)(page);
    };
    play.vcpus = {{reads(0x1000, 4), look}};
    CHECK(run().code == 0);
    CHECK(seen == 0xffff'ffff);
}

TEST_CASE_FIXTURE(Fixture, "a refused START leaves nothing behind and says why")
{
    play.start_error = ENODEV;
    CHECK_THROWS_WITH_AS((void)run(), doctest::Contains("GH_VM_START: ENODEV"), Error);
    CHECK(play.closed.back() == "device");
    CHECK(play.count(gunyah::GH_VCPU_RUN) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a vCPU that the kernel refuses ends the machine with the reason")
{
    vm.cpus.count = 2;
    play.vcpus = {{}, {[](gh_vcpu_run&) { return EIO; }}};
    CHECK_THROWS_WITH_AS((void)run(), doctest::Contains("GH_VCPU_RUN for vCPU 1: EIO"), Error);
    CHECK(play.closed.size() == 4);
}

TEST_CASE_FIXTURE(Fixture, "a page fault that the guest caused is its crash, with the address")
{
    play.vcpus = {{faults(0x9000'0000, ENOENT)}};
    const Outcome outcome = run();
    CHECK(outcome.code == 33);
    CHECK(outcome.why.find("0x90000000 (no memory there)") != std::string::npos);
}

TEST_CASE_FIXTURE(Fixture, "a host that finds memory a moment later is given that moment")
{
    play.vcpus = {{faults(0x8000'1000, ENOMEM), faults(0x8000'1000, ENOMEM),
                   ends(gunyah::ExitType::PlatformOff)}};
    CHECK(run().code == 0);
}

TEST_CASE_FIXTURE(Fixture, "a page fault says what to do about it")
{
    for (const auto& [error, words] : {std::pair{EINVAL, "another guest's already"},
                                       {EACCES, "does not take this memory"},
                                       {EBUSY, "does not take this memory"},
                                       {EIO, "please report it"}}) {
        play.vcpus = {{faults(0x8000'1000, error)}};
        CHECK_THROWS_WITH_AS((void)run(), doctest::Contains(words), Error);
    }
}

TEST_CASE_FIXTURE(Fixture, "a page fault that is the host's fault names region and errno")
{
    play.vcpus = {{faults(0x8000'1000, EFAULT)}};
    CHECK_THROWS_WITH_AS((void)run(),
                         doctest::Contains("(region 0x80000000 with label 0): the kernel said "
                                           "EFAULT"),
                         Error);
}

TEST_CASE_FIXTURE(Fixture, "a guest that panics ends with the exit code that says so")
{
    play.vcpus = {{writes(0x3001'3000, 1)}};
    const Outcome outcome = run();
    CHECK(outcome.code == 34);
    CHECK(outcome.why == "the guest panicked (pvpanic)");
}

TEST_CASE_FIXTURE(Fixture, "a watchdog that the guest started and neglects ends the machine")
{
    vm.watchdog = true;
    play.vcpus = {{writes(0x3001'2000, 0), writes(0x3001'2008, 3)}};
    CHECK(run().code == 36);
}

TEST_CASE_FIXTURE(Fixture, "SIGTERM asks a guest that heeds its power button to power off")
{
    const auto heed_and_wait = [&] {
        play.vcpus = {{writes(0x3001'1410, 8), [](gh_vcpu_run& page) {
                           ::kill(::getpid(), SIGTERM);
                           std::this_thread::sleep_for(std::chrono::milliseconds(100));
                           return ends(gunyah::ExitType::PlatformOff)(page);
                       }}};
    };
    heed_and_wait();
    CHECK(run().why.find("powered off") != std::string::npos);
    vm.power_button = false;
    heed_and_wait();
    CHECK(run().why == "ended by SIGTERM");
}

TEST_CASE_FIXTURE(Fixture, "SIGTERM takes the machine down in order")
{
    play.vcpus = {{[](gh_vcpu_run& page) {
        ::kill(::getpid(), SIGTERM);
        return writes(kUart, 'x')(page);
    }}};
    const Outcome outcome = run();
    CHECK(outcome.code == 0);
    CHECK(outcome.why == "ended by SIGTERM");
    CHECK(play.closed.back() == "device");
}

TEST_CASE_FIXTURE(Fixture, "a vCPU that never comes back does not keep the process")
{
    vm.cpus.count = 2;
    const Play::Step once_both_run = [&](gh_vcpu_run& page) {
        while (play.count(gunyah::GH_VCPU_RUN) < 2)
            std::this_thread::yield();
        return ends(gunyah::ExitType::PlatformReset)(page);
    };
    play.vcpus = {{once_both_run}, {}};
    play.deaf = true;
    const pid_t child = ::fork();
    if (child == 0) {
        (void)run();
        ::_exit(99);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 32);
}

}  // namespace gh::machine
