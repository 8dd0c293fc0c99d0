// SPDX-License-Identifier: BSD-3-Clause
#include "machine/plan.h"

#include "../boot/fake_image.h"
#include "base/error.h"
#include "machine/map.h"
#include "machine/platform_devices.h"

#include <algorithm>

using namespace gh;
using namespace gh::machine;

namespace {

constexpr std::uint64_t kBase = 0x8000'0000;

struct Files {
    TemporaryFile kernel{fake_image(0x10000, 0x30'0000)};
    TemporaryFile initrd{pattern(0x12345)};
};

config::Vm vm_with(const Files& files)
{
    config::Vm vm;
    vm.name = "plan-test";
    vm.kernel.path = files.kernel.path();
    vm.initrd = files.initrd.path();
    vm.params = {"console=ttyS0", "quiet"};
    vm.cpus.count = 2;
    vm.memory.size = 64 << 20;
    return vm;
}

config::Region extra_region()
{
    config::Region region;
    region.label = 1;
    region.address = 0x9000'0000;
    region.size = 0x20'0000;
    return region;
}

std::string texts_of(const std::vector<fdt::Finding>& findings)
{
    std::string all;
    for (const auto& finding : findings)
        all += finding.rule + ": " + finding.message + "\n";
    return all;
}

}  // namespace

TEST_CASE("a plan breaks no rule of the Resource Manager")
{
    const Files files;
    auto vm = vm_with(files);
    CHECK(texts_of(lint(make_plan(vm))).empty());
    vm.memory.sharing = config::Sharing::Lend;
    vm.memory.swiotlb = 8 << 20;
    vm.memory.regions.push_back(extra_region());
    vm.serial.resize(4);
    vm.cpus.count = 8;
    CHECK(texts_of(lint(make_plan(vm))).empty());
}

TEST_CASE(
    "kernel, devicetree and initrd lie in RAM behind one another, and the guest starts at its base")
{
    const Files files;
    const auto plan = make_plan(vm_with(files));
    CHECK(plan.regions.size() == 1);
    CHECK(plan.placement.kernel.at == Gpa{kBase});
    CHECK(plan.placement.entry == Gpa{kBase});
    CHECK(plan.placement.entry_by == boot::EntryBy::Start);
    CHECK(plan.placement.dtb.at == Gpa{kBase + 0x40'0000});
    REQUIRE(plan.placement.initrd.has_value());
    CHECK(plan.placement.initrd->at == Gpa{kBase + 0x60'0000});
    CHECK(plan.placement.initrd->size == 0x12345);
}

TEST_CASE("images arrive in guest memory, mapped or copied")
{
    const Files files;
    const auto plan = make_plan(vm_with(files));
    for (const auto placing : {boot::Placing::Map, boot::Placing::Copy}) {
        const GuestMemory memory(plan.regions);
        load_images(plan, memory, placing);
        const auto kernel = *memory.range(Gpa{kBase}, 0x10000);
        const auto image = fake_image(0x10000, 0x30'0000);
        CHECK(std::equal(kernel.begin(), kernel.end(), image.begin()));
        const auto initrd = *memory.range(plan.placement.initrd->at, 0x12346);
        const auto bytes = pattern(0x12345);
        CHECK(std::equal(bytes.begin(), bytes.end(), initrd.begin()));
        CHECK(initrd[0x12345] == std::byte{0});
        const auto tree = *memory.range(plan.placement.dtb.at, plan.dtb.size());
        CHECK(std::equal(tree.begin(), tree.end(), plan.dtb.begin()));
    }
}

TEST_CASE("the same configuration gives the same tree, seeds another one")
{
    const Files files;
    const auto vm = vm_with(files);
    CHECK(make_plan(vm).dtb == make_plan(vm).dtb);
    CHECK(make_plan(vm, random_seeds()).dtb != make_plan(vm, random_seeds()).dtb);
}

TEST_CASE("disks have a page, an interrupt and, where RAM is lent, the bounce buffer")
{
    const Files files;
    auto vm = vm_with(files);
    vm.memory.sharing = config::Sharing::Lend;
    vm.memory.swiotlb = 4 << 20;
    vm.disks.resize(16);
    const auto plan = make_plan(vm);
    CHECK(texts_of(lint(plan)).empty());
    REQUIRE(plan.devices.size() == 17 + platform_devices_of(vm).size());
    CHECK(plan.devices[16].registers.base == 0x3010'f000);
    CHECK(plan.devices[16].spi == 31u);
    const auto view = fdt::View::open(plan.dtb).value();
    const auto disk = view.find("/virtio_mmio@30100000").value();
    CHECK(view.has(disk, "dma-coherent"));
    const auto pool = view.find("/reserved-memory/restricted-dma@84000000").value();
    CHECK(view.u32(disk, "memory-region") == view.u32(pool, "phandle"));
    CHECK(map_table(plan).find("disk0     virtio,mmio, SPI 16") != std::string::npos);
    vm.memory.swiotlb = 0;
    vm.memory.sharing = config::Sharing::Share;
    const auto shared = make_plan(vm);
    const auto open = fdt::View::open(shared.dtb).value();
    CHECK_FALSE(open.has(open.find("/virtio_mmio@30100000").value(), "memory-region"));
    vm.disks.resize(33);
    CHECK_THROWS_WITH_AS((void)make_plan(vm), doctest::Contains("room for 32"), Error);
}

TEST_CASE("the swiotlb is a shared region behind RAM with a label of its own")
{
    const Files files;
    auto vm = vm_with(files);
    vm.memory.swiotlb = 4 << 20;
    vm.memory.regions.push_back(extra_region());
    const auto plan = make_plan(vm);
    REQUIRE(plan.regions.size() == 3);
    CHECK(plan.regions[1].label == 2);
    CHECK(plan.regions[1].base == Gpa{kBase + vm.memory.size});
    CHECK(plan.regions[1].sharing == Sharing::Share);
    CHECK(plan.extra[0].swiotlb);
    CHECK_FALSE(plan.extra[1].swiotlb);
}

TEST_CASE("what does not fit is refused with its numbers")
{
    const Files files;
    auto vm = vm_with(files);
    vm.memory.size = 6 << 20;
    CHECK_THROWS_WITH_AS((void)make_plan(vm), doctest::Contains("no room for the initrd of 74565"),
                         Error);
    vm.memory.size = 2 << 20;
    CHECK_THROWS_WITH_AS((void)make_plan(vm), doctest::Contains("not all in RAM"), Error);
    vm = vm_with(files);
    vm.memory.base += 0x1000;
    CHECK_THROWS_WITH_AS((void)make_plan(vm), doctest::Contains("memory.base"), Error);
}

TEST_CASE("the map shows every stretch once, in order and without overlap")
{
    const Files files;
    auto vm = vm_with(files);
    vm.memory.swiotlb = 4 << 20;
    const auto table = map_table(make_plan(vm));
    for (const char* what :
         {"serial0", "GICD", "GICR", "kernel", "DTB", "initrd", "RAM", "swiotlb"})
        CHECK(table.find(what) != std::string::npos);
    CHECK(table.find("0x80000000    0x802fffff    3 MiB       kernel    arm64 Image, entry") !=
          std::string::npos);
    CHECK(table.find("0x83ffffff") != std::string::npos);
}

TEST_CASE("the map as JSON names addresses, sizes and lines")
{
    const Files files;
    const auto json = map_json(make_plan(vm_with(files)));
    CHECK(json.find("{\"address\": \"0x30000000\", \"size\": 4096, \"what\": \"serial0\"") !=
          std::string::npos);
    CHECK(json.find("\"spi\": 0, \"intid\": 32}") != std::string::npos);
    CHECK(std::count(json.begin(), json.end(), '{') == std::count(json.begin(), json.end(), '}'));
}
