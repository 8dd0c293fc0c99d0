// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/device.h"

#include "base/error.h"
#include "client_fixture.h"

#include <doctest/doctest.h>

using namespace gh::test;

TEST_CASE("a generation that does not exist is refused with a list of those that do")
{
    CHECK_THROWS_WITH_AS((void)gh::driver::open_emulated_device({.personality = "v9"}),
                         doctest::Contains("personality 'v9' of the emulated device does not "
                                           "exist; there are v10, v11, android14-early, v12"),
                         gh::Error);
}

TEST_CASE_FIXTURE(ClientFixture, "CREATE_VM takes no argument but 0")
{
    CHECK(device->ioctl(GH_CREATE_VM, 0).file != nullptr);
    CHECK(device->ioctl(GH_CREATE_VM, 1).error == EINVAL);
    CHECK(device->ioctl(GH_CREATE_VM, std::uintptr_t{1} << 32).error == EINVAL);
}

TEST_CASE_FIXTURE(ClientFixture, "CREATE_VM many times makes as many VMs: vmids are taken at START")
{
    std::vector<std::unique_ptr<File>> vms;
    for (int i = 0; i < 200; ++i)
        vms.push_back(create_vm());
    CHECK(vms.back() != nullptr);
}

TEST_CASE_FIXTURE(ClientFixture, "a request of another file is ENOTTY on each file")
{
    const auto vcpu = add_vcpu(0).file;
    for (const std::uint32_t request :
         {GH_VM_START, GH_VCPU_RUN, GUNYAH_CREATE_GUEST_MEM, 0x0000'b201u,
          GH_ANDROID_TENTATIVE_UAPI, GUNYAH_CHECK_EXTENSION, 0x4004'4700u})
        CHECK(device->ioctl(request, 0).error == ENOTTY);
    for (const std::uint32_t request : {GH_CREATE_VM, GH_VCPU_RUN, GH_VCPU_MMAP_SIZE,
                                        GUNYAH_VM_MAP_MEM, 0x0000'477fu, 0x4004'4703u})
        CHECK(vm->ioctl(request, 0).error == ENOTTY);
    for (const std::uint32_t request :
         {GH_CREATE_VM, GH_VM_START, GH_VM_SET_DTB_CONFIG, 0x0000'477fu})
        CHECK(vcpu->ioctl(request, 0).error == ENOTTY);
}

TEST_CASE("android16 knows three requests more than android15")
{
    ClientFixture older;
    ClientFixture newer{{.personality = "android16"}};
    for (const std::uint32_t request :
         {GUNYAH_VM_RECLAIM_REGION, GUNYAH_VM_MAP_CMA_MEM, GUNYAH_VM_SET_AUTH_TYPE}) {
        CHECK(older.vm->ioctl(request, 0).error == ENOTTY);
        CHECK(newer.vm->ioctl(request, 0).error == EFAULT);
    }
}

TEST_CASE("android16 refuses what it has no module for, and reclaims nothing before START")
{
    ClientFixture client{{.personality = "android16"}};
    CHECK(client.call(*client.vm, GUNYAH_VM_SET_AUTH_TYPE, gh_fn_desc{1, 0, 0}) == ENOENT);
    CHECK(client.call(*client.vm, GUNYAH_VM_RECLAIM_REGION, gh_vm_dtb_config{1, 0x1000}) == EINVAL);
    CHECK(client.call(*client.vm, GUNYAH_VM_RECLAIM_REGION, gh_vm_dtb_config{kBase, 0x1000}) == 0);
    const std::array<std::uint64_t, 5> cma{0, kBase, std::uint64_t{999} << 32, 0, 0x1000};
    CHECK(client.call(*client.vm, GUNYAH_VM_MAP_CMA_MEM, cma) == EBADF);
    CHECK(client.call(*client.vm, GUNYAH_VM_MAP_CMA_MEM, std::array<std::uint64_t, 5>{}) == EINVAL);
}

TEST_CASE_FIXTURE(ClientFixture, "NULL is EFAULT wherever a structure is expected")
{
    for (const std::uint32_t request :
         {GH_VM_SET_USER_MEM_REGION, GH_VM_ANDROID_LEND_USER_MEM, GH_VM_SET_DTB_CONFIG,
          GH_VM_ANDROID_SET_FW_CONFIG, GUNYAH_VM_SET_BOOT_CONTEXT, GH_VM_ADD_FUNCTION,
          GH_VM_REMOVE_FUNCTION})
        CHECK(vm->ioctl(request, 0).error == EFAULT);
}

TEST_CASE_FIXTURE(ClientFixture, "only a vCPU has a page to map")
{
    CHECK_THROWS_AS((void)device->map_run_page(kPage), gh::Error);
    CHECK_THROWS_AS((void)vm->map_run_page(kPage), gh::Error);
    const auto vcpu = add_vcpu(0).file;
    CHECK(vcpu->ioctl(GH_VCPU_MMAP_SIZE, ~std::uintptr_t{0}).value == ::sysconf(_SC_PAGESIZE));
    CHECK_THROWS_AS((void)vcpu->map_run_page(1u << 20), gh::Error);
    CHECK(*vcpu->map_run_page(kPage) == std::byte{0});
}

TEST_CASE_FIXTURE(ClientFixture, "the boot context takes X0..X31, one PC and SP 0..2, before START")
{
    CHECK(boot(0x000, 8) == 0);
    CHECK(boot(0x01f, 8) == 0);
    CHECK(boot(0x020, 8) == EINVAL);
    CHECK(boot(0x101, 8) == EINVAL);
    CHECK(boot(0x202, 8) == 0);
    CHECK(boot(0x203, 8) == EINVAL);
    CHECK(boot(0x300, 8) == EINVAL);
    CHECK(boot(0x8000'0100, kBase) == 0);  // android15 does not look above 16 bits
    CHECK(start() == EINVAL);
    CHECK(boot(0x000, 8) == EINVAL);
}

TEST_CASE("android16 refuses a boot register with bits above 16")
{
    ClientFixture client{{.personality = "android16"}};
    CHECK(client.boot(0x1'0000, 8) == EINVAL);
    CHECK(client.boot(0x0'0000, 8) == 0);
}
