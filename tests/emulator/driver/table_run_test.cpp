// SPDX-License-Identifier: BSD-3-Clause
// gunyah-uapi.md 2.7 and 2.8, generation by generation.
#include "client_fixture.h"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

using namespace gh::test;
using gh::hyp::Resume;
using gh::hyp::VcpuState;

namespace {

struct RunClient : RunningFixture {
    explicit RunClient(std::string_view name)
        : RunningFixture(gh::fdt::probe_tree(), {.personality = std::string(name)})
    {
    }

    const Resume& last_resume() { return hypervisor().resumes.back(); }
};

}  // namespace

TEST_CASE("2.7: MMIO, then the VM's end told once, goes alike on every generation")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        CAPTURE(personality.name);
        RunClient vmm{personality.name};
        REQUIRE(vmm.started == 0);
        vmm.guest_reads(0x1000, 4);
        vmm.guest([] {
            hypervisor().end(1);
            return gh::hyp::VcpuRunResult{VcpuState::PoweredOff, {1}};
        });
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().exit_reason == GH_VCPU_EXIT_MMIO);
        vmm.page().mmio.data.fill(0x11);
        CHECK(vmm.run() == 0);
        CHECK(vmm.last_resume().value == 0x1111'1111);
        CHECK(vmm.page().exit_reason == GH_VCPU_EXIT_STATUS);
        CHECK(vmm.page().status.status == GH_VM_STATUS_EXITED);
        vmm.page().exit_reason = 99;
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().exit_reason == 99);
        CHECK(vmm.start() == ENODEV);
    }
}

TEST_CASE("1.4 collision 5: byte 37 is padding until android14: neither read nor written")
{
    for (const char* name : kPinning) {
        RunClient vmm{name};
        vmm.page().mmio.resume_action = 9;
        vmm.guest_reads(0x1000, 8);
        vmm.guest_writes(0x2000, 8, 0);
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().mmio.resume_action == 9);
        vmm.page().mmio.data.fill(0x22);
        CHECK(vmm.run() == 0);
        CHECK(vmm.last_resume().value == 0x2222'2222'2222'2222);
        CHECK(vmm.last_resume().action == Resume::Action::Emulate);
    }
}

TEST_CASE(
    "2.8: from v15 on byte 37 is preset to 0, FAULT refuses, 3 is EINVAL and can be mended "
    "(golden run.resume.preset, run.resume.bad)")
{
    for (const char* name : kFifteenOn) {
        RunClient vmm{name};
        vmm.page().mmio.resume_action = 9;
        vmm.guest_reads(0x1000, 8);
        vmm.guest_writes(0x2000, 8, 0);
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().mmio.resume_action == 0);
        vmm.page().mmio.resume_action = 3;
        CHECK(vmm.run() == EINVAL);
        vmm.page().mmio.resume_action = GUNYAH_VCPU_RESUME_FAULT;
        CHECK(vmm.run() == 0);
        CHECK(vmm.last_resume().action == Resume::Action::Fault);
    }
}

TEST_CASE("2.8: RETRY executes the instruction again on v15 to v17 and is EINVAL on a15, a16")
{
    for (const char* name : kGuestMemory) {
        RunClient vmm{name};
        vmm.guest_reads(0x1000, 8);
        vmm.guest_reads(0x1000, 8);
        CHECK(vmm.run() == 0);
        vmm.page().mmio.resume_action = GUNYAH_VCPU_RESUME_RETRY;
        CHECK(vmm.run() == 0);
        CHECK(vmm.last_resume().action == Resume::Action::Retry);
        CHECK(vmm.page().mmio.resume_action == 0);
    }
    for (const char* name : kAndroidPaged) {
        RunClient vmm{name};
        vmm.guest_reads(0x1000, 8);
        CHECK(vmm.run() == 0);
        vmm.page().mmio.resume_action = GUNYAH_VCPU_RESUME_RETRY;
        CHECK(vmm.run() == EINVAL);
    }
}

TEST_CASE("2.7: page faults are exits from v15 on; before, an unknown state that RUN passes over")
{
    for (const char* name : kFifteenOn) {
        RunClient vmm{name};
        vmm.guest(returns(VcpuState::PageFault, 0xa000'0000));
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().exit_reason == GH_VCPU_EXIT_PAGE_FAULT);
        CHECK(vmm.page().page_fault.attempt == -ENOENT);
        CHECK(vmm.page().page_fault.resume_action == GUNYAH_VCPU_RESUME_FAULT);
    }
    for (const char* name : kPinning) {
        RunClient vmm{name};
        vmm.guest(returns(VcpuState::PageFault, 0xa000'0000));
        vmm.guest_writes(0x1000, 8, 1);
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().exit_reason == GH_VCPU_EXIT_MMIO);
    }
}

TEST_CASE("2.7 step 5: another process may run a vCPU until v17 (golden run.fork), not from a15 on")
{
    const auto by_child = [](std::string_view name) {
        RunClient vmm{name};
        vmm.guest_writes(0x1000, 8, 1);
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(vmm.run());
        int status = 0;
        ::waitpid(child, &status, 0);
        return WEXITSTATUS(status);
    };
    for (const char* name : kPinning)
        CHECK(by_child(name) == 0);
    for (const char* name : kGuestMemory)
        CHECK(by_child(name) == 0);
    for (const char* name : kAndroidPaged)
        CHECK(by_child(name) == EPERM);
}

TEST_CASE("2.7 steps 3, 6: RUN of an unstarted VM is ENODEV; immediate_exit is EINTR and stays")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        ClientFixture unstarted{{.personality = std::string(personality.name)}};
        CHECK(unstarted.add_vcpu(0).file->ioctl(GH_VCPU_RUN, 0).error == ENODEV);
        RunClient vmm{personality.name};
        vmm.page().immediate_exit = 1;
        CHECK(vmm.run() == EINTR);
        CHECK(vmm.page().immediate_exit == 1);
        CHECK(vmm.page().exit_reason == 0);
    }
}

TEST_CASE(
    "2.10: REMOVE of a vCPU sets immediate_exit, and RUN of it is ENODEV, on every generation")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        CAPTURE(personality.name);
        RunClient vmm{personality.name};
        CHECK(vmm.remove_vcpu(0) == 0);
        CHECK(vmm.page().immediate_exit == 1);
        CHECK(vmm.run() == ENODEV);
        CHECK(vmm.add_vcpu(0).file != nullptr);
    }
}
