// SPDX-License-Identifier: BSD-3-Clause
#include "client_fixture.h"

#include <doctest/doctest.h>

using namespace gh::test;

namespace {

struct StartFixture : ClientFixture {
    using ClientFixture::ClientFixture;
    int run(File& vcpu) { return vcpu.ioctl(GH_VCPU_RUN, 0).error; }
    std::uint32_t exit_reason(File& vcpu)
    {
        return reinterpret_cast<gh_vcpu_run*>(vcpu.map_run_page(kPage))->exit_reason;
    }
    gh_vcpu_run& page(File& vcpu)
    {
        return *reinterpret_cast<gh_vcpu_run*>(vcpu.map_run_page(kPage));
    }
};

}  // namespace

TEST_CASE_FIXTURE(StartFixture, "START with nothing set is EINVAL, then ENODEV for ever")
{
    const auto vcpu = add_vcpu(0).file;
    CHECK(start() == EINVAL);
    CHECK(start() == ENODEV);
    CHECK(run(*vcpu) == ENODEV);
    CHECK(exit_reason(*vcpu) == 0);
    CHECK(set_dtb(kDtb, kPage) == 0);
}

TEST_CASE_FIXTURE(StartFixture, "a devicetree outside every region is ENOENT")
{
    region(kBase, kRam);
    set_dtb(0x9000'0000, kPage);
    CHECK(start() == ENOENT);
    CHECK(start() == ENODEV);
}

TEST_CASE_FIXTURE(StartFixture, "a devicetree range that leaves its region is EFAULT")
{
    region(kBase, kRam);
    set_dtb(kBase + kRam - kPage, 2 * kPage);
    CHECK(start() == EFAULT);
}

TEST_CASE_FIXTURE(StartFixture,
                  "a devicetree range of less than a page, or not of whole pages, is EINVAL")
{
    for (const auto& [at, size] : {std::pair{kDtb, std::uint64_t{0}},
                                   {kDtb, std::uint64_t{64}},
                                   {kDtb, std::uint64_t{0x1801}},
                                   {kDtb + 8, kPage},
                                   {kDtb + 4, kPage}}) {
        vm = create_vm();
        prepare();
        set_dtb(at, size);
        CHECK(start() == EINVAL);
    }
}

TEST_CASE_FIXTURE(StartFixture,
                  "a devicetree of zeros is EINVAL, and RUN is ENODEV since VM_INIT failed")
{
    const auto vcpu = add_vcpu(0).file;
    region(kBase, kRam);
    set_dtb(kDtb, kPage);
    CHECK(start() == EINVAL);
    CHECK(start() == ENODEV);
    CHECK(run(*vcpu) == ENODEV);
}

TEST_CASE_FIXTURE(StartFixture, "START of a running VM is 0, whatever its argument")
{
    prepare();
    CHECK(start() == 0);
    CHECK(start() == 0);
    CHECK(vm->ioctl(GH_VM_START, ~std::uintptr_t{0}).error == 0);
    CHECK(set_dtb(kDtb, kPage) == 0);
    CHECK(boot(0x001, 8) == EINVAL);
}

TEST_CASE_FIXTURE(StartFixture,
                  "a tree that VM_START refuses leaves the VM crashed: RUN says STATUS 3")
{
    const auto vcpu = add_vcpu(0).file;
    auto tree = gh::fdt::probe_tree();
    tree.remove_child("chosen");
    prepare(false, tree);
    CHECK(start() == ENODEV);
    CHECK(run(*vcpu) == 0);
    CHECK(page(*vcpu).exit_reason == GH_VCPU_EXIT_STATUS);
    CHECK(page(*vcpu).status.status == GH_VM_STATUS_CRASHED);
    CHECK(page(*vcpu).status.exit_info.type == 0);
}

TEST_CASE("the production manner wants the image lent with all rights, the open one does not care")
{
    const auto start = [](gh::driver::Manner manner, bool lend, std::uint32_t flags) {
        ClientFixture client{{.manner = manner}};
        client.place_tree(gh::fdt::probe_tree());
        client.region(kBase, kRam, flags, lend);
        client.set_dtb(kDtb, kPage);
        return client.start();
    };
    CHECK(start(gh::driver::Manner::Production, true, 7) == 0);
    CHECK(start(gh::driver::Manner::Production, false, 7) == ENODEV);
    CHECK(start(gh::driver::Manner::Production, true, 3) == ENODEV);
    CHECK(start(gh::driver::Manner::Open, false, 7) == 0);
    CHECK(start(gh::driver::Manner::Open, true, 5) == 0);
    CHECK(start(gh::driver::Manner::Open, false, 0) == EINVAL);
}

TEST_CASE_FIXTURE(StartFixture, "the guest begins at its region's start with x0 at the devicetree")
{
    prepare();
    REQUIRE(start() == 0);
    CHECK(hypervisor().config.boot.pc == kBase);
    CHECK(hypervisor().config.boot.x[0] == kDtb);
}

TEST_CASE("boot registers reach the guest on both generations")
{
    for (const char* name : {"android15", "android16"}) {
        ClientFixture client{{.personality = name}};
        client.prepare();
        CHECK(client.boot(0x100, kBase + 0x1000) == 0);
        CHECK(client.boot(0x000, 3) == 0);
        CHECK(client.boot(0x01e, 4) == 0);
        CHECK(client.boot(0x201, kBase) == 0);
        CHECK(client.start() == 0);
        const auto& boot = hypervisor().config.boot;
        CHECK(boot.pc == kBase + 0x1000);
        CHECK(boot.x[0] == 3);
        CHECK(boot.x[30] == 4);
        CHECK(boot.sp_el1 == kBase);
    }
}

TEST_CASE_FIXTURE(
    StartFixture,
    "boot registers that the kernel passes on and the Resource Manager refuses fail START")
{
    for (const auto& [reg, value] :
         {std::pair{0x01fu, 0ull}, {0x202u, 0ull}, {0x100u, 2ull}, {0x200u, 8ull}}) {
        vm = create_vm();
        prepare();
        CHECK(boot(reg, value) == 0);
        CHECK(start() == EINVAL);
    }
}

TEST_CASE(
    "a VM whose boot registers are refused is crashed on android16, without vCPUs on android15")
{
    const auto run_after = [](const char* name) {
        ClientFixture client{{.personality = name}};
        const auto vcpu = client.add_vcpu(0).file;
        client.prepare();
        client.boot(0x100, 2);
        CHECK(client.start() == EINVAL);
        return vcpu->ioctl(GH_VCPU_RUN, 0).error;
    };
    CHECK(run_after("android15") == ENODEV);
    CHECK(run_after("android16") == 0);
}

TEST_CASE_FIXTURE(StartFixture,
                  "firmware for protected VMs is refused with EPERM, in no region with ENOENT")
{
    prepare();
    CHECK(call(*vm, GH_VM_ANDROID_SET_FW_CONFIG, gh_vm_dtb_config{kBase, kPage}) == 0);
    CHECK(start() == EPERM);
    vm = create_vm();
    prepare();
    CHECK(call(*vm, GH_VM_ANDROID_SET_FW_CONFIG, gh_vm_dtb_config{0, 0}) == 0);
    CHECK(start() == ENOENT);
}

TEST_CASE_FIXTURE(StartFixture, "63 VMs can be started, the next finds no vmid and may try again")
{
    std::vector<std::unique_ptr<File>> vms;
    for (int i = 0; i < 63; ++i) {
        prepare();
        CHECK(start() == 0);
        vms.push_back(std::move(vm));
        vm = create_vm();
    }
    prepare();
    CHECK(start() == ENODEV);
    vms.pop_back();
    CHECK(start() == 0);
}

TEST_CASE_FIXTURE(StartFixture, "70 failed STARTs lose no vmid when their VMs are closed")
{
    for (int i = 0; i < 70; ++i) {
        region(kBase, kRam);
        set_dtb(i % 2 == 0 ? 0x9000'0000 : kDtb, kPage);
        CHECK(start() != 0);
        vm = create_vm();
    }
    prepare();
    CHECK(start() == 0);
}

TEST_CASE_FIXTURE(StartFixture,
                  "START without vCPU functions works, one added later finds its vCPU")
{
    prepare();
    CHECK(start() == 0);
    const auto vcpu = add_vcpu(0).file;
    hypervisor().steps[0].push_back(returns(gh::hyp::VcpuState::VmmioWrite, 0x1000, 4, 7));
    CHECK(run(*vcpu) == 0);
    CHECK(page(*vcpu).mmio.phys_addr == 0x1000);
}

TEST_CASE_FIXTURE(StartFixture, "an extra vCPU that the devicetree does not know cannot be run")
{
    prepare();
    const auto extra = add_vcpu(1).file;
    CHECK(start() == 0);
    CHECK(run(*extra) == ENODEV);
}
