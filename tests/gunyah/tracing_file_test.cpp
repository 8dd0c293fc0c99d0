// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/tracing_file.h"

#include "base/error.h"
#include "gunyah/vm.h"
#include "script_file.h"

#include <doctest/doctest.h>

namespace gh::gunyah {
namespace {

struct Fixture {
    Script script = android15();
    std::vector<std::string> lines;

    Vm open()
    {
        auto device = std::make_unique<ScriptFile>(script, "device");
        Vm vm(trace_file(std::move(device), "device",
                         [this](const std::string& line) { lines.push_back(line); }));
        lines.clear();
        return vm;
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "memory is traced with its fields in words")
{
    Vm vm = open();
    std::array<std::byte, 4096> page{};
    vm.give({.name = "RAM", .label = 5, .at = Gpa{0x8000'0000}, .host = page, .execute = false});
    REQUIRE(lines.size() == 1);
    CHECK(
        lines[0].starts_with("vm: GH_VM_SET_USER_MEM_REGION label=5 flags=RW- "
                             "guest_phys_addr=0x80000000 memory_size=0x1000 userspace_addr=0x"));
    CHECK(lines[0].ends_with(" = 0"));
}

TEST_CASE_FIXTURE(Fixture, "a refusal is traced with its errno")
{
    script.answers[GH_VM_START].clear();
    script.say(GH_VM_START, {ENODEV});
    Vm vm = open();
    CHECK_THROWS_AS(vm.start(), Error);
    CHECK(lines.back() == "vm: GH_VM_START = ENODEV (No such device)");
}

TEST_CASE_FIXTURE(Fixture, "a run is traced with its exit, the next with the answer it carries")
{
    script.on(GH_VCPU_RUN, [this](std::uintptr_t) {
        script.page.exit_reason = GH_VCPU_EXIT_MMIO;
        script.page.mmio = {
            .phys_addr = 0x3fd, .data = {}, .len = 1, .is_write = 0, .resume_action = 0};
        return 0;
    });
    Vm vm = open();
    const auto vcpu = vm.add_vcpu(2);
    CHECK(lines[0] == "vm: GH_VM_ADD_FUNCTION vcpu id=2 = 0");
    (void)vcpu->run();
    CHECK(lines.back() == "vcpu 2: GH_VCPU_RUN = 0 MMIO read 0x3fd len 1");
    vcpu->answer(0x60);
    (void)vcpu->run();
    CHECK(lines.back() == "vcpu 2: GH_VCPU_RUN (read answered 0x60) = 0 MMIO read 0x3fd len 1");
}

TEST_CASE_FIXTURE(Fixture, "registers, doorbells and the devicetree are traced in words")
{
    Vm vm = open();
    const EventFd event;
    vm.add_irqfd(7, event);
    vm.set_dtb(Gpa{0x8800'0000}, 0x20'0000);
    vm.set_boot_context(Gpa{0x8000'0000}, 0x10);
    CHECK(lines[0] == "vm: GH_VM_ADD_FUNCTION irqfd label=7 fd=" + std::to_string(event.get()) +
                          " flags=0x0 = 0");
    CHECK(lines[1] == "vm: GH_VM_SET_DTB_CONFIG guest_phys_addr=0x88000000 size=0x200000 = 0");
    CHECK(lines[2] == "vm: GUNYAH_VM_SET_BOOT_CONTEXT pc0=0x80000000 = 0");
    CHECK(lines[3] == "vm: GUNYAH_VM_SET_BOOT_CONTEXT x0=0x10 = 0");
}

TEST_CASE_FIXTURE(Fixture, "closing is traced in the order in which it happens")
{
    {
        Vm vm = open();
        const auto vcpu = vm.add_vcpu(0);
    }
    REQUIRE(lines.size() >= 3);
    CHECK(lines[lines.size() - 3] == "vcpu 0: close");
    CHECK(lines[lines.size() - 2] == "vm: close");
    CHECK(lines.back() == "device: close");
}

}  // namespace gh::gunyah
