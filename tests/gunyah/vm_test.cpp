// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/vm.h"

#include "base/error.h"
#include "base/mapping.h"
#include "script_file.h"

#include <doctest/doctest.h>

#include <sys/mman.h>

namespace gh::gunyah {
namespace {

Vm open(Script& script)
{
    return Vm(std::make_unique<ScriptFile>(script, "device"));
}

const auto& region(std::uintptr_t argument)
{
    return *std::bit_cast<const gh_userspace_memory_region*>(argument);
}

// Address space alone: nothing is touched.
Mapping space(std::size_t size)
{
    return {"test", size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE};
}

Grant ram(const Mapping& host, bool lend = false)
{
    return {.name = "RAM", .at = Gpa{0x8000'0000}, .host = host.bytes(), .lend = lend};
}

}  // namespace

TEST_CASE("the vendor's driver is named, not shown as an errno alone")
{
    Script script;
    script.say(GH_CREATE_VM, {EINVAL});
    CHECK_THROWS_WITH_AS(
        (void)open(script),
        doctest::Contains("GH_CREATE_VM: EINVAL (Invalid argument): this is the vendor's older"),
        Error);
}

TEST_CASE("RAM goes in pieces of 256 MiB where addresses are honoured")
{
    Script script = android15();
    Vm vm = open(script);
    std::vector<gh_userspace_memory_region> given;
    script.answers[GH_VM_SET_USER_MEM_REGION].clear();
    script.on(GH_VM_SET_USER_MEM_REGION, [&](std::uintptr_t argument) {
        given.push_back(region(argument));
        return 0;
    });
    const Mapping host = space(600ull << 20);
    vm.give(ram(host));
    REQUIRE(given.size() == 3);
    CHECK(given[1].guest_phys_addr == 0x9000'0000);
    CHECK(given[2].memory_size == 88ull << 20);
    CHECK(given[2].userspace_addr == given[0].userspace_addr + (512ull << 20));
    CHECK(given[0].flags == 7);
}

TEST_CASE("android14 gets RAM in one piece, lent by its own request")
{
    Script script = android15();
    script.answers.erase(GUNYAH_VM_SET_BOOT_CONTEXT);
    Vm vm = open(script);
    CHECK(vm.abi().generation == Generation::Android14);
    const auto before = script.count(GH_VM_ANDROID_LEND_USER_MEM);
    const Mapping host = space(600ull << 20);
    vm.give(ram(host, true));
    CHECK(script.count(GH_VM_ANDROID_LEND_USER_MEM) == before + 1);
}

TEST_CASE("v10 lends by bit 3 of the flags and takes the vCPU's id by value")
{
    Script script;
    script.say(GH_CREATE_VM, {0});
    script.say(GH_VCPU_MMAP_SIZE, {0});
    std::uint32_t flags = 0;
    script.on(GH_VM_SET_USER_MEM_REGION, [&](std::uintptr_t argument) {
        flags = argument == 0 ? 0 : region(argument).flags;
        return argument == 0 ? EFAULT : 0;
    });
    script.on(GH_VM_ADD_FUNCTION, [](std::uintptr_t argument) {
        const auto& function = *std::bit_cast<const gh_fn_desc*>(argument);
        return function.arg_size == 0 && function.arg == 3 ? 0 : EINVAL;
    });
    Vm vm = open(script);
    const Mapping host = space(4096);
    vm.give(ram(host, true));
    CHECK(flags == (GH_MEM_LENT | 7));
    CHECK(vm.add_vcpu(3)->id() == 3);
}

TEST_CASE("the host reaches what it shares, and nothing of what it lends")
{
    Script script = android15();
    Vm vm = open(script);
    const Mapping host = space(4096);
    CHECK(vm.give(ram(host)).host.data() == host.data());
    CHECK(vm.give(ram(host, true)).host.empty());
}

TEST_CASE("an ioeventfd is for one value of a register, and may be refused")
{
    Script script = android15();
    Vm vm = open(script);
    const EventFd event;
    gh_fn_ioeventfd_arg seen{};
    script.answers[GH_VM_ADD_FUNCTION].clear();
    script.on(GH_VM_ADD_FUNCTION, [&](std::uintptr_t argument) {
        const auto& function = *std::bit_cast<const gh_fn_desc*>(argument);
        seen = *std::bit_cast<const gh_fn_ioeventfd_arg*>(std::uintptr_t{function.arg});
        return function.type == GH_FN_IOEVENTFD && function.arg_size == sizeof seen ? 0 : EINVAL;
    });
    CHECK(vm.add_ioeventfd(Gpa{0x3010'0050}, 2, event));
    CHECK(seen.addr == 0x3010'0050);
    CHECK(seen.len == 4);
    CHECK(seen.datamatch == 2);
    CHECK(seen.flags == GH_IOEVENTFD_FLAGS_DATAMATCH);
    CHECK(seen.fd == event.get());
    script.answers[GH_VM_ADD_FUNCTION].clear();
    script.say(GH_VM_ADD_FUNCTION, {EEXIST});
    CHECK_FALSE(vm.add_ioeventfd(Gpa{0x3010'0050}, 3, event));
}

TEST_CASE("a kernel that cannot lend says what to set")
{
    Script script;
    script.say(GH_CREATE_VM, {0});
    script.say(GH_VM_SET_USER_MEM_REGION, {EINVAL});
    script.say(GH_VM_REMOVE_FUNCTION, {ENOENT});
    Vm vm = open(script);
    const Mapping host = space(4096);
    CHECK_THROWS_WITH_AS(vm.give(ram(host, true)), doctest::Contains("set it to \"share\""), Error);
}

TEST_CASE("a START that a signal cut short is asked again")
{
    Script script = android15();
    script.answers[GH_VM_START].clear();
    script.say(GH_VM_START, {EINTR, EINTR, 0});
    Vm vm = open(script);
    vm.start();
    CHECK(script.count(GH_VM_START) == 3);
}

TEST_CASE("the boot context is the entry point and x0")
{
    Script script = android15();
    Vm vm = open(script);
    std::vector<std::uint32_t> registers;
    script.answers[GUNYAH_VM_SET_BOOT_CONTEXT].clear();
    script.on(GUNYAH_VM_SET_BOOT_CONTEXT, [&](std::uintptr_t argument) {
        registers.push_back(std::bit_cast<const gunyah_vm_boot_context*>(argument)->reg);
        return 0;
    });
    vm.set_boot_context(Gpa{0x8000'0000}, 0x8800'0000);
    CHECK(registers == std::vector<std::uint32_t>{0x100, 0x000});
}

}  // namespace gh::gunyah
