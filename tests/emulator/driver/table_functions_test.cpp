// SPDX-License-Identifier: BSD-3-Clause
// gunyah-uapi.md 2.5, generation by generation. [I] marks what the reference infers.
#include "client_fixture.h"

#include <array>

#include <doctest/doctest.h>

using namespace gh::test;

namespace {

constexpr Names kBooleanDatamatch{"v10", "v11", "android14-early"};

struct FunctionClient : ClientFixture {
    explicit FunctionClient(const char* name) : ClientFixture({.personality = name}) {}

    gh::EventFd event;
    gh::EventFd other;
    std::array<std::byte, 512> big{};
};

gh_fn_irqfd_arg irqfd_argument(const gh::EventFd& event, std::uint32_t label)
{
    return {static_cast<std::uint32_t>(event.get()), label, 0, 0};
}

}  // namespace

TEST_CASE(
    "2.5 VCPU: v10 takes the id as the argument itself, v11 on four bytes; each refuses the "
    "other's form")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        CAPTURE(personality.name);
        FunctionClient client{personality.name.data()};
        const std::uint32_t id = 3;
        const bool by_value = personality.name == "v10";
        CHECK(client.describe(GH_VM_ADD_FUNCTION, GH_FN_VCPU, 0,
                              reinterpret_cast<void*>(std::uintptr_t{3})) ==
              (by_value ? 0 : EINVAL));
        CHECK(client.describe(GH_VM_ADD_FUNCTION, GH_FN_VCPU, 4, &id) == (by_value ? EINVAL : 0));
        CHECK(client.add_vcpu(3).error == EEXIST);
    }
}

TEST_CASE("2.5: an argument of more than 256 bytes is EINVAL, an unknown type ENOENT, everywhere")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        FunctionClient client{personality.name.data()};
        CHECK(client.describe(GH_VM_ADD_FUNCTION, GH_FN_IRQFD, 257, nullptr) == EINVAL);
        CHECK(client.describe(GH_VM_ADD_FUNCTION, 9, 4, nullptr) == EFAULT);
        CHECK(client.describe(GH_VM_ADD_FUNCTION, 9, 4, client.big.data()) == ENOENT);
    }
}

TEST_CASE("2.5 IRQFD: unknown flags are EINVAL from v11 on, and nothing to v10")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        FunctionClient client{personality.name.data()};
        CHECK(client.add_irqfd(client.event.get(), 1, 2) ==
              (personality.name == "v10" ? 0 : EINVAL));
        CHECK(client.add_irqfd(client.event.get(), 2, GH_IRQFD_FLAGS_LEVEL) == 0);
        CHECK(client.add_irqfd(client.event.get(), 2) == EEXIST);
        CHECK(client.add_irqfd(-1, 3) == EBADF);
    }
}

TEST_CASE("2.9 IRQFD_LEVEL: the bell's masks are set on every generation")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        FunctionClient client{personality.name.data()};
        client.prepare();
        CHECK(client.add_irqfd(client.event.get(), 0, GH_IRQFD_FLAGS_LEVEL) == 0);
        CHECK(client.start() == 0);
        CHECK(hypervisor().masks == std::vector<unsigned>{0});
    }
}

TEST_CASE("2.5 IOEVENTFD: unknown flags are EINVAL from v11 on, before the descriptor is looked at")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        FunctionClient client{personality.name.data()};
        const bool checks = personality.name != "v10";
        CHECK(client.add_ioeventfd(0x1000, 4, client.event.get(), 2) == (checks ? EINVAL : 0));
        CHECK(client.add_ioeventfd(0x2000, 4, -1, 2) == (checks ? EINVAL : EBADF));
        CHECK(client.add_ioeventfd(0x2000, 3, -1) == EINVAL);
        CHECK(client.add_ioeventfd(0x2000, 0, -1, 1) == EINVAL);
    }
}

TEST_CASE(
    "2.5 IOEVENTFD: an address that wraps is EINVAL until android14, and taken from v15 on "
    "(golden ioe.wrap)")
{
    constexpr auto kLast = ~std::uint64_t{0};
    for (const char* name : kPinning) {
        FunctionClient client{name};
        CHECK(client.add_ioeventfd(kLast, 4, -1) == EINVAL);
        CHECK(client.add_ioeventfd(kLast - 4, 4, client.event.get()) == 0);
    }
    for (const char* name : kFifteenOn) {
        FunctionClient client{name};
        CHECK(client.add_ioeventfd(kLast, 4, client.event.get()) == 0);
        CHECK(client.add_ioeventfd(kLast - 3, 4, client.event.get()) == 0);
    }
}

TEST_CASE("2.5 IOEVENTFD: until early android14 a second value at an address is EEXIST")
{
    for (const char* name : kBooleanDatamatch) {
        FunctionClient client{name};
        CHECK(client.add_ioeventfd(0x1000, 4, client.event.get(), 1, 5) == 0);
        CHECK(client.add_ioeventfd(0x1000, 4, client.other.get(), 1, 6) == EEXIST);
    }
    for (const char* name : kTwelveOn) {
        FunctionClient client{name};
        CHECK(client.add_ioeventfd(0x1000, 4, client.event.get(), 1, 5) == 0);
        CHECK(client.add_ioeventfd(0x1000, 4, client.other.get(), 1, 6) == 0);
        CHECK(client.add_ioeventfd(0x1000, 4, client.other.get(), 1, 6) == EEXIST);
        CHECK(client.add_ioeventfd(0x1000, 4, client.other.get()) == EEXIST);
    }
}

TEST_CASE("2.5 IOEVENTFD: until early android14 any value but 0 hits a datamatch; 0 for 0 is [I]")
{
    for (const char* name : {"v10", "v11", "android14-early"}) {
        RunningFixture vmm(gh::fdt::probe_tree(), {.personality = name});
        const gh::EventFd five;
        const gh::EventFd zero;
        CHECK(vmm.add_ioeventfd(0x1000, 4, five.get(), 1, 5) == 0);
        CHECK(vmm.add_ioeventfd(0x2000, 4, zero.get(), 1, 0) == 0);
        vmm.guest_writes(0x1000, 4, 6);
        vmm.guest_writes(0x2000, 4, 0);
        vmm.guest_writes(0x1000, 4, 0);
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().mmio.phys_addr == 0x1000);
        vmm.guest_writes(0x2000, 4, 1);
        CHECK(vmm.run() == 0);
        CHECK(vmm.page().mmio.phys_addr == 0x2000);
        CHECK(five.drain() == 1);
        CHECK(zero.drain() == 1);
    }
}

TEST_CASE("2.5 REMOVE v10, v11, a14-early: 0 whether there was one or not; all bytes must agree")
{
    for (const char* name : kBooleanDatamatch) {
        CAPTURE(name);
        FunctionClient client{name};
        CHECK(client.remove_irqfd(4) == 0);
        CHECK(client.add_irqfd(client.event.get(), 4) == 0);
        CHECK(client.remove_irqfd(4) == 0);  // of another descriptor: nothing is removed
        CHECK(client.add_irqfd(client.event.get(), 4) == EEXIST);
        const auto same = irqfd_argument(client.event, 4);
        CHECK(client.function(GH_VM_REMOVE_FUNCTION, GH_FN_IRQFD, same).error == 0);
        CHECK(client.add_irqfd(client.event.get(), 4) == 0);
    }
}

TEST_CASE("2.5 REMOVE: without argument bytes v10 compares the value, v11 does nothing: 0")
{
    FunctionClient v10{"v10"};
    CHECK(v10.add_vcpu(3).error == 0);
    CHECK(v10.remove_vcpu(4) == 0);
    CHECK(v10.add_vcpu(3).error == EEXIST);
    CHECK(v10.remove_vcpu(3) == 0);
    CHECK(v10.add_vcpu(3).error == 0);
    for (const char* name : {"v11", "android14-early"}) {
        FunctionClient client{name};
        CHECK(client.add_vcpu(3).error == 0);
        CHECK(client.describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, 0,
                              reinterpret_cast<void*>(std::uintptr_t{3})) == 0);
        CHECK(client.add_vcpu(3).error == EEXIST);
        CHECK(client.remove_vcpu(3) == 0);
        CHECK(client.add_vcpu(3).error == 0);
    }
}

TEST_CASE("2.5 REMOVE v13, v14, a14 (v12 [I]): ENOENT if there is none, 0 without argument bytes")
{
    for (const char* name : kTwelveOn) {
        FunctionClient client{name};
        CHECK(client.remove_vcpu(3) == ENOENT);
        CHECK(client.describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, 0, nullptr) == 0);
        CHECK(client.add_vcpu(0).error == 0);
        CHECK(client.describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, 8, client.big.data()) == ENOENT);
        CHECK(client.describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, 4, nullptr) == EFAULT);
        CHECK(client.describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, ~0u, client.big.data()) == ENOMEM);
        CHECK(client.remove_vcpu(0) == 0);
        CHECK(client.add_vcpu(0).error == 0);
    }
}

TEST_CASE(
    "2.5 REMOVE: v13 to a14 find ioeventfds by address alone, v17 and a15 on by all of it "
    "(golden del.ioe)")
{
    for (const char* name : kTwelveOn) {
        FunctionClient client{name};
        CHECK(client.add_ioeventfd(0x1000, 4, client.event.get(), 1, 5) == 0);
        CHECK(client.remove_ioeventfd(0x1000, 0) == 0);
        CHECK(client.remove_ioeventfd(0x1000, 4, 1, 5) == ENOENT);
    }
    for (const char* name : kFifteenOn) {
        FunctionClient client{name};
        CHECK(client.add_ioeventfd(0x1000, 4, client.event.get()) == 0);
        CHECK(client.remove_ioeventfd(0x1000, 0) == ENOENT);
        CHECK(client.remove_ioeventfd(0x1000, 4) == 0);
    }
}

TEST_CASE("2.5 REMOVE v17, a15 on: no argument bytes are ENOENT too (golden del.argsize)")
{
    for (const char* name : kFifteenOn) {
        FunctionClient client{name};
        CHECK(client.add_vcpu(0).error == 0);
        for (const std::uint32_t size : {0u, 3u, 8u, 257u})
            CHECK(client.describe(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, size, client.big.data()) ==
                  ENOENT);
        CHECK(client.remove_vcpu(0) == 0);
        CHECK(client.remove_vcpu(0) == ENOENT);
    }
}
