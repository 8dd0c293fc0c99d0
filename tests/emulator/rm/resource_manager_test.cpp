// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/resource_manager.h"

#include "rm_fixture.h"

#include <cerrno>

#include <doctest/doctest.h>

using namespace gh::rm;
using namespace gh::test;

TEST_CASE("the Resource Manager's errors become errnos by the kernel's table, which ends early")
{
    CHECK(errno_of(Error::Ok) == 0);
    CHECK(errno_of(Error::Unimplemented) == EOPNOTSUPP);
    CHECK(errno_of(Error::NoMemory) == ENOMEM);
    CHECK(errno_of(Error::NoResource) == ENODEV);
    CHECK(errno_of(Error::Denied) == EPERM);
    CHECK(errno_of(Error::Busy) == EBUSY);
    CHECK(errno_of(Error::MemInvalid) == EINVAL);
    CHECK(errno_of(static_cast<Error>(0x11)) == EBADMSG);
    CHECK(errno_of(Error::VmState) == EBADMSG);
}

TEST_CASE("vmids count from 0x80 to 0xbe, and a freed one is given again")
{
    ResourceManager manager{{}};
    std::vector<std::shared_ptr<Vm>> vms(64);
    for (std::size_t i = 0; i < 63; ++i)
        REQUIRE(manager.allocate(vms[i]) == Error::Ok);
    CHECK(vms[0]->vmid() == 0x80);
    CHECK(vms[62]->vmid() == 0xbe);
    CHECK(manager.allocate(vms[63]) == Error::NoResource);
    CHECK(manager.deallocate(*vms[5]) == Error::Ok);
    CHECK(manager.allocate(vms[63]) == Error::Ok);
    CHECK(vms[63]->vmid() == 0x85);
}

TEST_CASE_FIXTURE(
    RmFixture,
    "a VM goes LOAD, INIT, READY, RUNNING, EXITED, RESET, and each message has its state")
{
    CHECK(vm->state() == VmState::Load);
    CHECK(vm->init({}) == Error::VmState);
    CHECK(start() == Error::VmState);
    CHECK(vm->reset() == Error::VmState);
    CHECK(vm->configure(config()) == Error::Ok);
    CHECK(vm->state() == VmState::Init);
    CHECK(vm->configure(config()) == Error::VmState);
    CHECK(manager.deallocate(*vm) == Error::VmState);
    CHECK(vm->init(gh::fdt::flatten(tree)) == Error::Ok);
    CHECK(vm->state() == VmState::Ready);
    CHECK(start() == Error::Ok);
    CHECK(vm->state() == VmState::Running);
    CHECK(vm->reset() == Error::VmState);
    CHECK(vm->set_boot_register(0, 0, 0) == Error::VmState);
    vm->stop();
    CHECK(vm->state() == VmState::Exited);
    CHECK(exit_type == 7);
    CHECK(vm->reset() == Error::Ok);
    CHECK(vm->hypervisor() == nullptr);
    CHECK(manager.deallocate(*vm) == Error::Ok);
}

TEST_CASE_FIXTURE(RmFixture, "a VM that fails CONFIG_IMAGE or VM_INIT can only be reset")
{
    auto bad = config();
    bad.dtb_offset = kSize;
    CHECK(vm->configure(bad) == Error::ArgumentInvalid);
    CHECK(vm->state() == VmState::InitFailed);
    CHECK(manager.deallocate(*vm) == Error::VmState);
    CHECK(vm->init({}) == Error::VmState);
    CHECK(vm->reset() == Error::Ok);
    CHECK(manager.deallocate(*vm) == Error::Ok);
}

TEST_CASE_FIXTURE(RmFixture, "a parcel without the right to read cannot hold the devicetree")
{
    for (const std::uint32_t rights : {0u, kWrite, kExecute, 8u | kRead}) {
        manager.allocate(vm);
        auto bad = config();
        bad.parcels[0].rights = rights;
        CHECK(vm->configure(bad) == Error::ArgumentInvalid);
    }
}

TEST_CASE_FIXTURE(RmFixture, "what VM_INIT refuses keeps its error code")
{
    auto nameless = tree;
    nameless.child("gunyah-vm-config").remove("image-name");
    CHECK(init(nameless) == Error::MemInvalid);
    auto direct = tree;
    direct.child("gunyah-vm-config").child("memory").set_flag("is-direct");
    CHECK(init(direct) == Error::ArgumentInvalid);
    auto no_vcpus = tree;
    no_vcpus.child("gunyah-vm-config").remove_child("vcpus");
    CHECK(init(no_vcpus) == Error::NoResource);
    auto deep = tree;
    gh::fdt::Node* node = &deep;
    for (int i = 0; i < 17; ++i)
        node = &node->child("level");
    CHECK(init(deep) != Error::Ok);
}

TEST_CASE_FIXTURE(RmFixture, "what VM_START refuses is NoResource and leaves the VM failed")
{
    auto no_chosen = tree;
    no_chosen.remove_child("chosen");
    CHECK(start_with(no_chosen) == Error::NoResource);
    CHECK(vm->state() == VmState::InitFailed);
    auto own_hypervisor = tree;
    own_hypervisor.child("hypervisor");
    CHECK(start_with(own_hypervisor) == Error::NoResource);
    auto low_base = tree;
    low_base.child("gunyah-vm-config").child("memory").set_u64("base-address", 0x1000'0000);
    CHECK(start_with(low_base) == Error::NoResource);
    auto elsewhere = tree;
    elsewhere.child("gunyah-vm-config")
        .child("vdevices")
        .child("bell-0")
        .set_text("generate", "/soc/bell");
    CHECK(start_with(elsewhere) == Error::NoResource);
}

TEST_CASE_FIXTURE(RmFixture,
                  "the tree needs room: twice its size and the overlay's, unless it is small")
{
    for (unsigned i = 1; i < 40; ++i)
        gh::fdt::add_bell(tree.child("gunyah-vm-config").child("vdevices"), i);
    dtb_size = 0x4000;
    CHECK(start_with(tree) == Error::NoResource);
    dtb_size = 0x20'0000;
    CHECK(start_with(tree) == Error::Ok);
}

TEST_CASE_FIXTURE(RmFixture, "103 doorbells fit into the overlay, 104 do not")
{
    for (unsigned i = 1; i < 103; ++i)
        gh::fdt::add_bell(tree.child("gunyah-vm-config").child("vdevices"), i);
    CHECK(start_with(tree) == Error::Ok);
    gh::fdt::add_bell(tree.child("gunyah-vm-config").child("vdevices"), 103);
    CHECK(start_with(tree) == Error::NoResource);
}

TEST_CASE_FIXTURE(
    RmFixture, "memory must stay off the GIC, and the image off the MMIO window and the info page")
{
    for (const std::uint64_t at : {0x1000'0000ull, 0x4000'0000ull, 0x3fe0'0000ull}) {
        parcels[0].at = gh::Gpa{at};
        CHECK(start_with(tree) == Error::NoResource);
    }
    parcels[0].at = gh::Gpa{0x8000'0000};
    parcels.push_back({gh::Gpa{0x3fff'0000}, 0x1000, 1, kAllRights, false});
    CHECK(start_with(tree) == Error::NoResource);
    parcels[1].at = gh::Gpa{std::uint64_t{1} << 36};
    CHECK(start_with(tree) == Error::ArgumentInvalid);
    parcels[1].at = gh::Gpa{0x1000};
    CHECK(start_with(tree) == Error::Ok);
}

TEST_CASE_FIXTURE(RmFixture,
                  "a shm that is not optional and a reserved range need a parcel of theirs")
{
    auto shm = tree;
    gh::fdt::add_shm(shm.child("gunyah-vm-config").child("vdevices"), 0x9000'0000)
        .set_u32("#address-cells", 2);
    shm.child("gunyah-vm-config")
        .child("vdevices")
        .child("shm-1")
        .set_text("generate", "/hypervisor/shm");
    auto reserved = tree;
    reserved.child("reserved-memory").child("pool").set_u64s("reg", {0x9000'0000, 0x1000});
    CHECK(start_with(shm) == Error::NoResource);
    CHECK(start_with(reserved) == Error::NoResource);
    parcels.push_back({gh::Gpa{0x9000'0000}, 0x1000, 1, kAllRights, false});
    CHECK(start_with(shm) == Error::Ok);
    CHECK(start_with(reserved) == Error::Ok);
}

TEST_CASE_FIXTURE(
    RmFixture,
    "a shm's base must not lie in the MMIO window or in the guest's RAM, optional or not")
{
    parcels.push_back({gh::Gpa{0x9000'0000}, 0x20'0000, 1, kAllRights, false});
    for (const std::uint64_t base : {0x2000'0000ull, 0x8000'0000ull, 0x8060'0000ull}) {
        auto shm = tree;
        auto& vdevices = shm.child("gunyah-vm-config").child("vdevices");
        gh::fdt::add_shm(vdevices, base).set_flag("optional");
        vdevices.child("shm-1").set_text("generate", "/hypervisor/shm");
        CHECK(start_with(shm) == Error::NoResource);
    }
}

TEST_CASE_FIXTURE(RmFixture, "a devicetree says how far apart redistributors stand")
{
    tree.child("intc@3fff0000").set_u64("redistributor-stride", 0x3'0000);
    REQUIRE(start_with(tree) == Error::Ok);
    CHECK(hypervisor().config.gic.stride == 0x3'0000);
    gh::fdt::add_cpu(tree, 1);
    tree.child("intc@3fff0000").set_u64("redistributor-stride", std::uint64_t{1} << 63);
    CHECK(start_with(tree) == Error::NoResource);
}

TEST_CASE_FIXTURE(RmFixture, "CPUs that failed are no resource, doorbells are found by label")
{
    gh::fdt::add_cpu(tree, 1);
    gh::fdt::add_cpu(tree, 2);
    tree.child("cpus").child("cpu@1").set_text("status", "fail");
    gh::fdt::add_bell(tree.child("gunyah-vm-config").child("vdevices"), 9);
    REQUIRE(start_with(tree) == Error::Ok);
    const auto all = vm->resources();
    REQUIRE(all.size() == 4);
    CHECK((all[1].label == 2 && all[1].index == 1 && all[1].type == Resource::Type::Vcpu));
    CHECK((all[3].label == 9 && all[3].index == 1 && all[3].type == Resource::Type::BellTx));
    CHECK(hypervisor().config.vcpus.size() == 2);
    CHECK(hypervisor().config.vcpus[1].mpidr == 0x8000'0002);
    CHECK(hypervisor().config.doorbells[1].intid == 41);
}

TEST_CASE_FIXTURE(RmFixture, "damaged devicetrees are refused or accepted, never more")
{
    const auto good = gh::fdt::flatten(tree);
    std::uint32_t state = 1;
    const auto random = [&state] { return state = state * 1664525 + 1013904223; };
    for (int i = 0; i < 3000; ++i) {
        auto bad = good;
        for (std::uint32_t n = 1 + (random() >> 24) % 8; n > 0; --n)
            bad[(random() >> 8) % bad.size()] = static_cast<std::byte>(random() >> 24);
        start_with_blob(std::move(bad));
    }
    CHECK(start_with_blob(good) == Error::Ok);
}

TEST_CASE_FIXTURE(RmFixture, "where addresses are not honoured the image goes to base-address")
{
    gh::rm::ResourceManager heedless{{.addresses_honoured = false}};
    REQUIRE(heedless.allocate(vm) == gh::rm::Error::Ok);
    parcels[0].at = gh::Gpa{0xa000'0000};
    REQUIRE(vm->configure(config()) == gh::rm::Error::Ok);
    REQUIRE(vm->init(gh::fdt::flatten(tree)) == gh::rm::Error::Ok);
    REQUIRE(start() == gh::rm::Error::Ok);
    CHECK(hypervisor().config.ram[0].at == gh::Gpa{0x8000'0000});
    CHECK(hypervisor().config.boot.pc == 0x8000'0000);
    CHECK(hypervisor().config.boot.x[0] == 0x8000'0000 + kDtbOffset);
}

TEST_CASE_FIXTURE(RmFixture,
                  "the host may give 64 parcels, of which those taken back count no more")
{
    for (std::size_t i = 0; i < gh::rm::kMaxParcels; ++i)
        CHECK(manager.take_parcel() == gh::rm::Error::Ok);
    CHECK(manager.take_parcel() == gh::rm::Error::Denied);
    manager.take_parcels_back(2);
    CHECK(manager.take_parcel() == gh::rm::Error::Ok);
    CHECK(manager.take_parcel() == gh::rm::Error::Ok);
    CHECK(manager.take_parcel() == gh::rm::Error::Denied);
}
