// SPDX-License-Identifier: BSD-3-Clause
// gunyah-uapi.md 2.6, 2.10 and 4, generation by generation; golden rows start.* and mem.parcels*.
#include "client_fixture.h"

#include <doctest/doctest.h>

using namespace gh::test;

namespace {

constexpr Names kWithinRegion{"v10", "v11", "android14-early"};

struct StartClient : ClientFixture {
    explicit StartClient(std::string_view name)
        : ClientFixture({.personality = std::string(name)}), vcpu(add_vcpu(0).file)
    {
    }

    int run() { return vcpu->ioctl(GH_VCPU_RUN, 0).error; }
    gh_vcpu_run& page() { return *reinterpret_cast<gh_vcpu_run*>(vcpu->map_run_page(kPage)); }

    std::unique_ptr<File> vcpu;
};

gh::fdt::Node without_chosen()
{
    auto tree = gh::fdt::probe_tree();
    tree.remove_child("chosen");
    return tree;
}

/// A region of one page for each of `count`, behind the one with the devicetree.
void add_pages(ClientFixture& client, unsigned count)
{
    for (unsigned i = 0; i < count; ++i)
        REQUIRE(client.region(0x9000'0000 + i * kPage, kPage, 7, false, i + 1,
                              client.ram.data() + i * kPage) == 0);
}

}  // namespace

TEST_CASE("2.6: START of a good VM is 0 and stays 0, with shared memory, on every generation")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        CAPTURE(personality.name);
        StartClient client{personality.name};
        client.prepare();
        CHECK(client.start() == 0);
        CHECK(client.start() == 0);
        CHECK(hypervisor().config.boot.pc == kBase);
        CHECK(hypervisor().config.boot.x[0] == kDtb);
    }
}

TEST_CASE("2.6: nothing set at all is EINVAL, then ENODEV, on every generation (start.nothing)")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        CAPTURE(personality.name);
        StartClient client{personality.name};
        CHECK(client.start() == EINVAL);
        CHECK(client.start() == ENODEV);
        CHECK(client.run() == ENODEV);
        CHECK(client.set_dtb(kDtb, kPage) == 0);
    }
}

TEST_CASE("2.6: a devicetree in no region is EINVAL until android14 (start.dtbout), then ENOENT")
{
    const auto outside = [](const char* name) {
        ClientFixture client{{.personality = name}};
        client.prepare();
        client.set_dtb(0xa000'0000, kPage);
        return client.start();
    };
    for (const char* name : kPinning)
        CHECK(outside(name) == EINVAL);
    for (const char* name : kFifteenOn)
        CHECK(outside(name) == ENOENT);
}

TEST_CASE(
    "2.6: a devicetree that begins before, or ends behind, its region is EINVAL until "
    "android14 (start.dtbedge, start.dtbbelow)")
{
    for (const char* name : kPinning)
        for (const std::uint64_t at : {kBase - kPage, kBase + kRam - kPage}) {
            CAPTURE(name);
            ClientFixture client{{.personality = name}};
            client.prepare();
            client.set_dtb(at, 2 * kPage);
            CHECK(client.start() == EINVAL);
        }
}

TEST_CASE("2.6: such a tree fails CONFIG_IMAGE from v12 on, which loses the vmid [I]; not before")
{
    const auto vm_after_63 = [](const char* name) {
        ClientFixture client{{.personality = name}};
        for (int i = 0; i < 63; ++i) {
            client.prepare();
            client.set_dtb(kBase + kRam - kPage, 2 * kPage);
            CHECK(client.start() == EINVAL);
            client.vm.reset();
            client.vm = client.create_vm();
            if (!client.vm)
                return ENODEV;
        }
        client.prepare();
        return client.start();
    };
    for (const char* name : kWithinRegion)
        CHECK(vm_after_63(name) == 0);
    CHECK(vm_after_63("v12") == ENODEV);
    CHECK(vm_after_63("android14") == ENODEV);
}

TEST_CASE("2.6: after a failed START RPC a VM is CRASHED; v10, v11, early a14 say LOAD_FAILED")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        CAPTURE(personality.name);
        StartClient client{personality.name};
        client.prepare(false, without_chosen());
        CHECK(client.start() == ENODEV);
        CHECK(client.start() == ENODEV);
        CHECK(client.run() == 0);
        CHECK(client.page().exit_reason == GH_VCPU_EXIT_STATUS);
        CHECK(client.page().status.status ==
              (personality.failure_is_final ? GH_VM_STATUS_LOAD_FAILED : GH_VM_STATUS_CRASHED));
        CHECK(client.page().status.exit_info.type == 0);
    }
}

TEST_CASE("2.6: a tree that VM_INIT refuses is EINVAL, and RUN ENODEV, everywhere (start.garbage)")
{
    for (const auto& personality : gh::driver::all_personalities()) {
        StartClient client{personality.name};
        client.prepare(false, gh::fdt::Node{});
        CHECK(client.start() == EINVAL);
        CHECK(client.start() == ENODEV);
        CHECK(client.run() == ENODEV);
    }
}

TEST_CASE("2.6: without a vmid START is ENODEV and may be retried, where START asks for it")
{
    for (const char* name : {"v12", "android14", "v17"}) {
        ClientFixture client{{.personality = name}};
        std::vector<std::unique_ptr<File>> vms;
        for (int i = 0; i < 63; ++i) {
            REQUIRE(client.start() == EINVAL);  // nothing set, but a vmid taken
            vms.push_back(std::move(client.vm));
            client.vm = client.create_vm();
        }
        client.prepare();
        CHECK(client.start() == ENODEV);
        vms.pop_back();
        CHECK(client.start() == 0);
    }
}

TEST_CASE("3.3: 64 regions start, the 65th makes it EPERM (mem.parcels64, mem.parcels65)")
{
    for (const char* name : kPinning) {
        CAPTURE(name);
        for (const unsigned others : {63u, 64u}) {
            StartClient client{name};
            client.prepare();
            add_pages(client, others);
            CHECK(client.start() == (others == 63 ? 0 : EPERM));
            CHECK(client.start() == (others == 63 ? 0 : ENODEV));
        }
    }
    StartClient paged{"android15"};
    paged.prepare();
    add_pages(paged, 64);
    CHECK(paged.start() == 0);
}

TEST_CASE("3.3: the 64 regions are the host's in all, and come back with their VM")
{
    StartClient client{"v14"};
    client.prepare();
    add_pages(client, 63);
    REQUIRE(client.start() == 0);
    auto first = std::move(client.vm);
    client.vm = client.create_vm();
    client.prepare();
    CHECK(client.start() == EPERM);
    client.vcpu.reset();
    first.reset();
    client.vm = client.create_vm();
    client.prepare();
    CHECK(client.start() == 0);
}

TEST_CASE("4: until android14 memory is lent before CONFIG_IMAGE, so a failed START keeps it")
{
    for (const char* name : {"v10", "android14-early", "android14"}) {
        ClientFixture client{{.personality = name}};
        client.prepare(true);
        client.set_dtb(0xa000'0000, kPage);
        CHECK(client.start() == EINVAL);
        CHECK_FALSE(readable(client.ram.data()));
        client.vm.reset();
        CHECK(readable(client.ram.data()));
    }
}

TEST_CASE(
    "4: lent memory is out of the client's reach until close on every generation that lends "
    "(mem.lent.hostread, mem.lent.afterclose)")
{
    for (const char* name : {"v10", "android14-early", "android14", "android15", "android16"}) {
        ClientFixture client{{.personality = name}};
        client.prepare(true);
        client.ram.data()[5] = std::byte{0x77};
        REQUIRE(client.start() == 0);
        if (client.personality.demand_paged)
            CHECK(client.touch(kBase) == 0);
        CHECK_FALSE(readable(client.ram.data()));
        *hypervisor().find(kBase) = std::byte{0x5a};
        hypervisor().end(1);
        client.toucher.reset();
        CHECK_FALSE(readable(client.ram.data()));
        client.vm.reset();
        CHECK(client.ram.data()[0] == std::byte{0x5a});
        CHECK(client.ram.data()[5] == std::byte{0x77});
    }
}

TEST_CASE("golden start.samemem: memory lent to one VM fails the START of another with EINVAL")
{
    for (const char* name : {"v10", "android14"}) {
        ClientFixture client{{.personality = name}};
        client.prepare(true);
        REQUIRE(client.start() == 0);
        const auto first = std::move(client.vm);
        client.vm = client.create_vm();
        const auto flags = client.personality.lent_flag ? 15u : 7u;
        CHECK(client.region(kBase, kRam, flags, !client.personality.lent_flag) == 0);
        client.set_dtb(kDtb, kPage);
        CHECK(client.start() == EINVAL);
    }
}

TEST_CASE("golden start.otheripa: until android14 a region's guest address means nothing")
{
    for (const char* name : kPinning) {
        ClientFixture client{{.personality = name}};
        client.place_tree(gh::fdt::probe_tree());
        CHECK(client.region(0xa000'0000, kRam) == 0);
        client.set_dtb(0xa000'0000 + (kDtb - kBase), 2ull << 20);
        CHECK(client.start() == 0);
        CHECK(hypervisor().config.ram[0].at == gh::Gpa{kBase});
        CHECK(hypervisor().config.boot.x[0] == kDtb);
    }
}

TEST_CASE("golden start.second: a further region goes to the first free address, not to its own")
{
    for (const char* name : kPinning) {
        ClientFixture client{{.personality = name}};
        client.prepare();
        const gh::Mapping second("second", 2ull << 20, PROT_READ | PROT_WRITE,
                                 MAP_PRIVATE | MAP_ANONYMOUS);
        CHECK(client.region(0x9000'0000, 2ull << 20, 7, false, 1, second.data()) == 0);
        CHECK(client.start() == 0);
        REQUIRE(hypervisor().config.ram.size() == 2);
        CHECK(hypervisor().config.ram[1].at == gh::Gpa{0x4020'0000});
    }
}

TEST_CASE("real-gunyah.md: a shm node of the same label keeps a further region where it should be")
{
    for (const char* name : kPinning) {
        auto tree = gh::fdt::probe_tree();
        gh::fdt::add_shm(gh::fdt::config_node(tree, "vdevices"), 0x9000'0000);
        ClientFixture client{{.personality = name}};
        client.prepare(false, tree);
        CHECK(client.region(0x9000'0000, kPage, 3, false, 1) == 0);
        CHECK(client.start() == 0);
        REQUIRE(hypervisor().config.ram.size() == 2);
        CHECK(hypervisor().config.ram[1].at == gh::Gpa{0x9000'0000});
    }
}

TEST_CASE(
    "golden start.imagelast: a second lent region with label 0 makes START EPERM, RUN CRASHED")
{
    StartClient client{"android14"};
    client.place_tree(gh::fdt::probe_tree());
    const gh::Mapping small("small", kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    CHECK(client.region(0x9000'0000, kPage, 7, true, 0, small.data()) == 0);
    CHECK(client.region(kBase, kRam, 7, true, 1) == 0);
    client.set_dtb(kDtb, 2ull << 20);
    CHECK(client.start() == EPERM);
    CHECK(client.run() == 0);
    CHECK(client.page().status.status == GH_VM_STATUS_CRASHED);
}

TEST_CASE("2.6: a firmware range in no region is EINVAL on android14, ENOENT from android15 on")
{
    const auto start_with_firmware = [](const char* name, std::uint64_t at) {
        ClientFixture client{{.personality = name}};
        client.prepare();
        client.call(*client.vm, GH_VM_ANDROID_SET_FW_CONFIG, gh_vm_dtb_config{at, kPage});
        return client.start();
    };
    CHECK(start_with_firmware("android14-early", 0xa000'0000) == EINVAL);
    CHECK(start_with_firmware("android14", 0xa000'0000) == EINVAL);
    CHECK(start_with_firmware("android15", 0xa000'0000) == ENOENT);
    CHECK(start_with_firmware("android14", kBase) == EPERM);  // there is no firmware image here
}
