// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/machine_tree.h"

#include "base/error.h"
#include "fdt/lint.h"
#include "fdt/node.h"

#include <doctest/doctest.h>

using namespace gh;
using namespace gh::fdt;

namespace {

MachineDescription machine()
{
    MachineDescription description;
    description.name = "test";
    description.bootargs = "console=ttyS0";
    description.cpus = 2;
    description.ram = {0x8000'0000, 64 << 20};
    description.devices = {
        {"serial", {"ns16550a"}, {0x3000'0000, 0x1000}, 4, false, {}, "serial0"}};
    description.stdout_alias = "serial0";
    return description;
}

}  // namespace

TEST_CASE("the Resource Manager reads back what the machine is")
{
    const auto blob = write_machine_tree(machine());
    const auto tree = read_vm_config(blob);
    CHECK(tree.findings.empty());
    CHECK(tree.image_name == "test");
    CHECK(tree.base_address == 0x8000'0000);
    CHECK(tree.cpus.size() == 2);
    CHECK(tree.gic.redistributors == 0x3ffb'0000);
    REQUIRE(tree.doorbells.size() == 1);
    CHECK(tree.doorbells[0].label == 4);
    CHECK(tree.doorbells[0].interrupt.intid == 36);
    CHECK(tree.doorbells[0].source_can_clear);
}

TEST_CASE("memory beside RAM has a shm node and is reserved, the swiotlb for DMA")
{
    auto description = machine();
    description.extra = {{3, {0x8400'0000, 0x40'0000}, true}, {7, {0x9000'0000, 0x20'0000}, false}};
    const auto blob = write_machine_tree(description);
    const auto tree = read_vm_config(blob);
    REQUIRE(tree.shms.size() == 2);
    CHECK(tree.shms[0].memory_label == 3);
    CHECK(tree.shms[1].base == 0x9000'0000u);
    const auto view = *View::open(blob);
    const auto pool = view.find("/reserved-memory/restricted-dma@84000000");
    REQUIRE(pool.has_value());
    CHECK(view.text(*pool, "compatible") == "restricted-dma-pool");
    CHECK(view.has(*view.find("/reserved-memory/region@90000000"), "no-map"));
    const auto findings = lint(
        blob,
        {{8, 0x20'0000},
         {{0, 64 << 20, true, true}, {3, 0x40'0000, false, false}, {7, 0x20'0000, false, false}}});
    CHECK(findings.empty());
}

TEST_CASE("/chosen says where the initrd lies and where the console is")
{
    auto description = machine();
    description.initrd = {0x8200'0000, 0x1234};
    const auto blob = write_machine_tree(description);
    const auto view = *View::open(blob);
    const auto chosen = *view.find("/chosen");
    CHECK(view.u32(chosen, "linux,initrd-start") == 0x8200'0000u);
    CHECK(view.u32(chosen, "linux,initrd-end") == 0x8200'1234u);
    CHECK(view.text(chosen, "stdout-path") == "serial0:115200n8");
    CHECK(view.text(*view.find("/aliases"), "serial0") == "/serial@30000000");
    CHECK_FALSE(view.has(chosen, "rng-seed"));
}

TEST_CASE("an initrd above 4 GiB is given in two cells")
{
    auto description = machine();
    description.initrd = {0x1'0000'0000 - 0x1000, 0x2000};
    const auto blob = write_machine_tree(description);
    const auto view = *View::open(blob);
    CHECK(view.u32(*view.find("/chosen"), "linux,initrd-start") == 0xffff'f000u);
    CHECK(view.u64(*view.find("/chosen"), "linux,initrd-end") == 0x1'0000'1000u);
}

TEST_CASE("a PrimeCell has the bus's clock, and a power button a key behind its GPIO line")
{
    auto description = machine();
    description.devices.push_back({.name = "gpio",
                                   .compatible = {"arm,pl061", "arm,primecell"},
                                   .registers = {0x3001'1000, 0x1000},
                                   .spi = 5,
                                   .clocks = {"apb_pclk"},
                                   .power_key = 3});
    const auto blob = write_machine_tree(description);
    const auto view = *View::open(blob);
    const auto gpio = *view.find("/gpio@30011000");
    const auto key = *view.find("/gpio-keys/power-button");
    CHECK(view.u32(gpio, "clocks") == view.u32(*view.find("/apb-pclk"), "phandle"));
    CHECK(view.text(gpio, "clock-names") == "apb_pclk");
    CHECK(view.u32(key, "linux,code") == 116);
    CHECK(cell(*view.property(key, "gpios"), 0) == view.u32(gpio, "phandle"));
    CHECK(cell(*view.property(key, "gpios"), 1) == 3);
    CHECK(lint(blob, {{8, 0x20'0000}, {{0, 64 << 20, true, false}}}).empty());
}

TEST_CASE("seeds are written where they are given")
{
    auto description = machine();
    description.seeds = Seeds{0x1122'3344'5566'7788, {}};
    const auto blob = write_machine_tree(description);
    const auto view = *View::open(blob);
    CHECK(view.u64(*view.find("/chosen"), "kaslr-seed") == 0x1122'3344'5566'7788u);
    CHECK(view.property(*view.find("/chosen"), "rng-seed")->size() == 64);
}

TEST_CASE("a base tree keeps what the machine does not say itself")
{
    Node base;
    base.set_text("model", "mine").set_u32("#address-cells", 1);
    base.child("firmware").set_text("compatible", "x");
    base.child("chosen").set_text("note", "kept").set_text("bootargs", "replaced");
    base.child("cpus").child("cpu@9");
    auto description = machine();
    description.base = flatten(base, {{0x8100'0000, 0x1000}});
    const auto blob = write_machine_tree(description);
    const auto view = *View::open(blob);
    REQUIRE(view.reservations().size() == 1);
    CHECK(view.reservations()[0].address == 0x8100'0000);
    CHECK(view.text(view.root(), "model") == "mine");
    CHECK(view.u32(view.root(), "#address-cells") == 2u);
    CHECK(view.find("/firmware").has_value());
    CHECK(view.text(*view.find("/chosen"), "note") == "kept");
    CHECK(view.text(*view.find("/chosen"), "bootargs") == "console=ttyS0");
    CHECK(view.children(*view.find("/cpus")).size() == 2);
    CHECK(read_vm_config(blob).findings.empty());
}

TEST_CASE("a base's own memory goes, its phandles stay apart from ours")
{
    Node base;
    base.child("memory@40000000").set_text("device_type", "memory");
    base.child("clock").set_u32("phandle", 7);
    auto description = machine();
    description.base = flatten(base);
    const auto blob = write_machine_tree(description);
    const auto view = *View::open(blob);
    CHECK_FALSE(view.find("/memory@40000000").has_value());
    CHECK(view.path(*view.by_phandle(7)) == "/clock");
    CHECK(view.u32(view.root(), "interrupt-parent") == 8u);
    CHECK(read_vm_config(blob).gic.path == "/interrupt-controller@3fff0000");
}

TEST_CASE("a base or overlay that is no devicetree is named in the error")
{
    auto description = machine();
    description.base.resize(64);
    CHECK_THROWS_WITH_AS((void)write_machine_tree(description), doctest::Contains("dtb.base"),
                         Error);
    description = machine();
    description.overlays.resize(1);
    CHECK_THROWS_WITH_AS((void)write_machine_tree(description),
                         doctest::Contains("dtb.overlays[0]"), Error);
}

TEST_CASE("the redistributors of all CPUs end below the distributor")
{
    CHECK(gic_addresses(1).redistributors == 0x3ffd'0000);
    CHECK(gic_addresses(8).redistributors + 8 * kGicRedistributorSize == 0x3fff'0000);
}

TEST_CASE("the linter says for each finding what real firmware does")
{
    auto description = machine();
    description.name = std::string(80, 'x');
    const auto findings = lint(write_machine_tree(description), {});
    REQUIRE(findings.size() == 1);
    CHECK(
        to_string(findings[0]) ==
        "error: image-name: /gunyah-vm-config: image-name has more than 79 characters (START fails "
        "with EINVAL: the Resource Manager refuses VM_INIT)");
}
