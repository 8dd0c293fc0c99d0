// SPDX-License-Identifier: BSD-3-Clause
#include "client_fixture.h"

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

using namespace gh::test;
using gh::hyp::VcpuState;

namespace {

gh::fdt::Node two_cpus()
{
    auto tree = gh::fdt::probe_tree();
    gh::fdt::add_cpu(tree, 1);
    return tree;
}

}  // namespace

TEST_CASE_FIXTURE(ClientFixture, "RUN before START is ENODEV, with immediate_exit too")
{
    const auto vcpu = add_vcpu(0).file;
    CHECK(vcpu->ioctl(GH_VCPU_RUN, 0).error == ENODEV);
    *vcpu->map_run_page(kPage) = std::byte{1};
    CHECK(vcpu->ioctl(GH_VCPU_RUN, 0).error == ENODEV);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "a store in the MMIO window is an exit whose later data bytes stay as they were")
{
    page().mmio.data.fill(0xaa);
    page().mmio.resume_action = 9;
    guest_writes(0x1010, 2, 0x7788);
    CHECK(run() == 0);
    CHECK(page().exit_reason == GH_VCPU_EXIT_MMIO);
    CHECK(page().mmio.phys_addr == 0x1010);
    CHECK(page().mmio.len == 2);
    CHECK(page().mmio.is_write == 1);
    CHECK(page().mmio.resume_action == 0);
    CHECK(page().mmio.data[0] == 0x88);
    CHECK(page().mmio.data[1] == 0x77);
    CHECK(page().mmio.data[2] == 0xaa);
}

TEST_CASE_FIXTURE(RunningFixture, "a load takes as many bytes from the page as it is wide")
{
    for (const unsigned size : {1u, 2u, 4u, 8u}) {
        guest_reads(0x1000, size);
        guest_writes(0x2000, 8, 0);
        CHECK(run() == 0);
        page().mmio.data.fill(0xff);
        page().mmio.len = 8;  // edits of the page's other fields are not looked at
        page().mmio.is_write = 1;
        CHECK(run() == 0);
        CHECK(hypervisor().resumes.back().value == (~std::uint64_t{0} >> (64 - 8 * size)));
        CHECK(hypervisor().resumes.back().action == gh::hyp::Resume::Action::Emulate);
    }
}

TEST_CASE_FIXTURE(
    RunningFixture,
    "resume_action FAULT reaches the hypervisor, others are EINVAL and can be corrected")
{
    guest_reads(0x1000, 8);
    guest_writes(0x2000, 8, 0);
    CHECK(run() == 0);
    page().mmio.data.fill(0x11);
    for (const std::uint8_t action : {GUNYAH_VCPU_RESUME_RETRY, std::uint8_t{3}}) {
        page().mmio.resume_action = action;
        CHECK(run() == EINVAL);
    }
    page().mmio.resume_action = GUNYAH_VCPU_RESUME_HANDLED;
    CHECK(run() == 0);
    CHECK(hypervisor().resumes.back().value == 0x1111'1111'1111'1111);
    page().mmio.resume_action = GUNYAH_VCPU_RESUME_FAULT;
    guest_writes(0x2000, 8, 0);
    CHECK(run() == 0);
    CHECK(hypervisor().resumes.back().action == gh::hyp::Resume::Action::Fault);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "immediate_exit ends RUN with EINTR, stays set and leaves the page alone")
{
    guest_writes(0x1000, 8, 1);
    CHECK(run() == 0);
    page().immediate_exit = 1;
    CHECK(run() == EINTR);
    CHECK(run() == EINTR);
    CHECK(page().immediate_exit == 1);
    CHECK(page().exit_reason == GH_VCPU_EXIT_MMIO);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "an answered read is lost when immediate_exit comes with the answer")
{
    guest_reads(0x1000, 8);
    guest_writes(0x2000, 8, 0);
    CHECK(run() == 0);
    page().mmio.data.fill(0x11);
    page().immediate_exit = 1;
    CHECK(run() == EINTR);
    page().immediate_exit = 0;
    CHECK(run() == 0);
    CHECK(hypervisor().resumes.back().value == 0);
}

TEST_CASE_FIXTURE(RunningFixture, "interrupt() ends a RUN that spins, sleeps, or is about to begin")
{
    vcpu->interrupt();
    CHECK(run() == EINTR);
    guest(returns(VcpuState::Ready));
    guest(returns(VcpuState::ExpectsWakeup));
    std::thread kicker([&] { vcpu->interrupt(); });
    CHECK(run() == EINTR);
    kicker.join();
    CHECK(page().exit_reason == 0);
}

TEST_CASE_FIXTURE(RunningFixture, "an exit that comes with an interrupt is EINTR and stays pending")
{
    guest([&] {
        vcpu->interrupt();
        return gh::hyp::VcpuRunResult{VcpuState::VmmioRead, {0x1000, 4, 0}};
    });
    guest_writes(0x2000, 4, 0);
    CHECK(run() == EINTR);
    CHECK(page().exit_reason == GH_VCPU_EXIT_MMIO);
    page().mmio.data.fill(0x22);
    CHECK(run() == 0);
    CHECK(hypervisor().resumes.back().value == 0x2222'2222);
}

TEST_CASE_FIXTURE(
    RunningFixture,
    "the end of the VM is told once by STATUS, then RUN is 0 and leaves the page alone")
{
    guest([] {
        hypervisor().end(2);
        return gh::hyp::VcpuRunResult{VcpuState::PoweredOff, {1}};
    });
    CHECK(run() == 0);
    CHECK(page().exit_reason == GH_VCPU_EXIT_STATUS);
    CHECK(page().status.status == GH_VM_STATUS_EXITED);
    CHECK(page().status.exit_info.type == 2);
    CHECK(page().status.exit_info.reason_size == 4);
    page().exit_reason = 99;
    CHECK(run() == 0);
    CHECK(page().exit_reason == 99);
    CHECK(start() == ENODEV);
}

TEST_CASE_FIXTURE(RunningFixture, "SYSTEM_RESET2 says its full reason size but carries eight bytes")
{
    guest([] {
        hypervisor().config.on_exit(
            {.type = 3, .reason_size = 16, .reason = {0, 0x80, 0, 0, 1, 0, 0, 0x80, 9}});
        hypervisor().over = true;
        return gh::hyp::VcpuRunResult{VcpuState::SystemReset, {}};
    });
    CHECK(run() == 0);
    CHECK(page().status.exit_info.reason_size == 16);
    CHECK(page().status.exit_info.reason ==
          std::array<std::uint8_t, 8>{0, 0x80, 0, 0, 1, 0, 0, 0x80});
}

TEST_CASE("a second CPU learns of the end too, asleep or only then run")
{
    for (const bool asleep : {true, false}) {
        RunningFixture vmm(two_cpus());
        const auto second = vmm.add_vcpu(1).file;
        hypervisor().steps[1].push_back(returns(VcpuState::PoweredOff));
        vmm.guest([] {
            hypervisor().end(1);
            return gh::hyp::VcpuRunResult{VcpuState::PoweredOff, {1}};
        });
        const auto run_second = [&] { CHECK(second->ioctl(GH_VCPU_RUN, 0).error == 0); };
        std::thread thread;
        if (asleep)
            thread = std::thread(run_second);
        CHECK(vmm.run() == 0);
        asleep ? thread.join() : run_second();
        const auto& page = *reinterpret_cast<gh_vcpu_run*>(second->map_run_page(kPage));
        CHECK(page.exit_reason == GH_VCPU_EXIT_STATUS);
        CHECK(page.status.exit_info.type == 1);
    }
}

TEST_CASE_FIXTURE(RunningFixture,
                  "REMOVE of a running vCPU ends its RUN with EINTR, later ones with ENODEV")
{
    std::atomic<int> result{-1};
    std::thread runner([&] { result = run(); });
    CHECK(remove_vcpu(0) == 0);
    runner.join();
    CHECK((result == EINTR || result == ENODEV));  // ENODEV if it had not begun
    CHECK(page().immediate_exit == 1);
    CHECK(run() == ENODEV);
    CHECK(vcpu->ioctl(GH_VCPU_MMAP_SIZE, 0).error == 0);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "a vCPU removed and added again goes on where it stood, with a fresh page")
{
    guest_writes(0x1000, 8, 1);
    guest_writes(0x1000, 8, 2);
    CHECK(run() == 0);
    CHECK(remove_vcpu(0) == 0);
    vcpu = add_vcpu(0).file;
    CHECK(page().exit_reason == 0);
    CHECK(run() == 0);
    CHECK(page().mmio.data[0] == 2);
}

TEST_CASE_FIXTURE(RunningFixture, "a vCPU added to a VM that has exited says STATUS at once")
{
    hypervisor().end(1);
    CHECK(remove_vcpu(0) == 0);
    vcpu = add_vcpu(0).file;
    CHECK(run() == 0);
    CHECK(page().status.status == GH_VM_STATUS_EXITED);
}

TEST_CASE_FIXTURE(RunningFixture, "RUN goes on when the VM file and the device are closed")
{
    vm.reset();
    device.reset();
    guest_writes(0x1000, 8, 1);
    CHECK(run() == 0);
    CHECK(page().mmio.phys_addr == 0x1000);
}

TEST_CASE_FIXTURE(RunningFixture, "ioeventfds swallow stores of any width, and no loads")
{
    const gh::EventFd event;
    CHECK(add_ioeventfd(0x1000, 4, event.get()) == 0);
    for (const unsigned size : {4u, 2u, 1u, 8u})
        guest_writes(0x1000, size, 5);
    guest_reads(0x1000, 4);
    CHECK(run() == 0);
    CHECK(page().mmio.is_write == 0);
    CHECK(event.drain() == 4);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "ioeventfds with datamatch want width and value, at their address")
{
    const gh::EventFd five;
    const gh::EventFd six;
    CHECK(add_ioeventfd(0x1000, 4, five.get(), 1, 5) == 0);
    CHECK(add_ioeventfd(0x1000, 4, six.get(), 1, 6) == 0);
    guest_writes(0x1000, 4, 5);
    guest_writes(0x1000, 4, 6);
    for (const auto& [address, size, value] : {std::tuple{0x1000u, 2u, 5ull},
                                               {0x1000u, 8u, 5ull},
                                               {0x1000u, 8u, 0x1'0000'0005ull},
                                               {0x1001u, 4u, 5ull}}) {
        guest_writes(address, size, value);
        CHECK(run() == 0);
        CHECK(page().mmio.phys_addr == address);
        CHECK(page().mmio.len == size);
    }
    CHECK(five.drain() == 1);
    CHECK(six.drain() == 1);
}

TEST_CASE_FIXTURE(RunningFixture,
                  "an irqfd write rings the doorbell of its label after START, once per write")
{
    const gh::EventFd event;
    CHECK(add_irqfd(event.get(), 0) == 0);
    event.signal();
    REQUIRE(hypervisor().wait_for_sends(1));
    event.signal();
    REQUIRE(hypervisor().wait_for_sends(2));
    CHECK(hypervisor().sends[0] == std::pair{0u, std::uint64_t{1}});
    CHECK(event.drain() == 2);
}

TEST_CASE_FIXTURE(ClientFixture, "what was in an irqfd before it was added rings nothing")
{
    auto tree = gh::fdt::probe_tree();
    gh::fdt::add_bell(tree.child("gunyah-vm-config").child("vdevices"), 4);
    prepare(false, tree);
    REQUIRE(start() == 0);
    const gh::EventFd preset;
    const gh::EventFd event;
    preset.signal(3);
    CHECK(add_irqfd(preset.get(), 0) == 0);
    CHECK(add_irqfd(event.get(), 77) == 0);  // no doorbell has this label
    CHECK(add_irqfd(event.get(), 4) == 0);
    event.signal();
    REQUIRE(hypervisor().wait_for_sends(1));
    vm.reset();  // joins the thread
    CHECK(hypervisor().sends == std::vector{std::pair{1u, std::uint64_t{1}}});
}

TEST_CASE_FIXTURE(RunningFixture,
                  "an irqfd that was removed rings no more, even if its eventfd lives")
{
    const gh::EventFd event;
    const gh::EventFd later;
    CHECK(add_irqfd(event.get(), 0) == 0);
    CHECK(remove_irqfd(0) == 0);
    event.signal();
    CHECK(add_irqfd(later.get(), 0) == 0);
    later.signal();
    REQUIRE(hypervisor().wait_for_sends(1));
    vcpu.reset();
    vm.reset();
    CHECK(hypervisor().sends.size() == 1);
}

TEST_CASE_FIXTURE(ClientFixture,
                  "a level irqfd programs its doorbell's masks, added before START or after")
{
    auto tree = gh::fdt::probe_tree();
    gh::fdt::add_bell(tree.child("gunyah-vm-config").child("vdevices"), 4);
    const gh::EventFd event;
    CHECK(add_irqfd(event.get(), 4, GH_IRQFD_FLAGS_LEVEL) == 0);
    prepare(false, tree);
    REQUIRE(start() == 0);
    CHECK(hypervisor().masks == std::vector<unsigned>{1});
}

TEST_CASE_FIXTURE(RunningFixture,
                  "the VM stops by force when its last file is closed, and not before")
{
    vm.reset();
    CHECK_FALSE(hypervisor().stopped);
    CHECK(hypervisor().vms == 1);
    vcpu.reset();
    CHECK(hypervisor().stopped);
    CHECK(hypervisor().vms == 0);
}
