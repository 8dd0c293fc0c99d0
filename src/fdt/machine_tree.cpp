// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/machine_tree.h"

#include "base/error.h"
#include "fdt/node.h"
#include "fdt/tree.h"
#include "memory/hex.h"

#include <algorithm>

namespace gh::fdt {
namespace {

constexpr std::uint32_t kSpi = 0;
constexpr std::uint32_t kPpi = 1;
constexpr std::uint32_t kEdgeRising = 1;
constexpr std::uint32_t kLevelHigh = 4;
constexpr std::uint32_t kLevelLow = 8;
constexpr std::uint32_t kKeyPower = 116;  // Linux, input-event-codes.h

std::string at_address(const std::string& name, std::uint64_t address)
{
    return name + "@" + hex(address).substr(2);
}

/// The largest phandle in a tree, 0 without any: ours come after those of a base.
std::uint32_t last_phandle(const Node& node)
{
    const auto* const own = node.property("phandle");
    std::uint32_t last = own != nullptr && own->value.size() == 4 ? cell(own->value, 0) : 0;
    for (const auto& child : node.children())
        last = std::max(last, last_phandle(child));
    return last;
}

/// Writes the machine's part into `root`, in the order of the functions below.
class Writer {
public:
    Writer(const MachineDescription& machine, Node& root)
        : machine_(machine), root_(root), gic_phandle_(last_phandle(root) + 1)
    {
    }

    void write()
    {
        write_root();
        write_chosen();
        write_memory();
        write_reserved();
        write_cpus();
        write_interrupts();
        write_clock();
        for (const auto& device : machine_.devices)
            write_device(device);
        write_vm_config();
    }

private:
    void write_root()
    {
        if (root_.property("compatible") == nullptr)
            root_.set_text("compatible", "linux,dummy-virt");
        if (root_.property("model") == nullptr)
            root_.set_text("model", "gh-vmm");
        root_.set_u32("#address-cells", 2).set_u32("#size-cells", 2);
        root_.set_u32("interrupt-parent", gic_phandle_);
        for (const auto& device : machine_.devices)
            if (!device.alias.empty())
                root_.child("aliases").set_text(device.alias, "/" + node_name(device));
    }

    void write_chosen()
    {
        Node& chosen = root_.child("chosen");
        if (!machine_.bootargs.empty())
            chosen.set_text("bootargs", machine_.bootargs);
        if (!machine_.stdout_alias.empty())
            chosen.set_text("stdout-path", machine_.stdout_alias + ":115200n8");
        if (machine_.initrd) {
            set_address(chosen, "linux,initrd-start", machine_.initrd->base);
            set_address(chosen, "linux,initrd-end", machine_.initrd->base + machine_.initrd->size);
        }
        if (machine_.seeds) {
            chosen.set_u64("kaslr-seed", machine_.seeds->kaslr);
            chosen.set("rng-seed", machine_.seeds->rng);
        }
    }

    /// One cell where it suffices, which is what the schema knows; Linux reads either.
    static void set_address(Node& node, const char* name, std::uint64_t address)
    {
        if (address >> 32 == 0)
            node.set_u32(name, static_cast<std::uint32_t>(address));
        else
            node.set_u64(name, address);
    }

    /// Exactly "memory", against the devicetree specification: the Resource Manager refuses a unit
    /// address. It writes reg anew; ours is what Linux sees where nobody patches.
    void write_memory()
    {
        std::vector<std::uint64_t> reg{machine_.ram.base, machine_.ram.size};
        for (const auto& extra : machine_.extra)
            if (extra.swiotlb)
                reg.insert(reg.end(), {extra.range.base, extra.range.size});
        remove_memory_nodes();
        root_.child("memory").set_text("device_type", "memory").set_u64s("reg", reg);
    }

    /// Those of a base, such as memory@40000000, speak of another machine.
    void remove_memory_nodes()
    {
        std::vector<std::string> names;
        for (const auto& child : root_.children())
            if (child.name().starts_with("memory@"))
                names.push_back(child.name());
        for (const auto& name : names)
            root_.remove_child(name);
    }

    /// Linux must not take memory beside RAM for its own, which the patched /memory would invite.
    void write_reserved()
    {
        if (machine_.extra.empty())
            return;
        Node& reserved = root_.child("reserved-memory");
        reserved.set_u32("#address-cells", 2).set_u32("#size-cells", 2).set_flag("ranges");
        for (const auto& extra : machine_.extra) {
            Node& node = reserved.child(
                at_address(extra.swiotlb ? "restricted-dma" : "region", extra.range.base));
            node.set_u64s("reg", {extra.range.base, extra.range.size});
            if (extra.swiotlb)
                node.set_text("compatible", "restricted-dma-pool")
                    .set_u32("phandle", swiotlb_phandle());
            else
                node.set_flag("no-map");
        }
    }

    void write_cpus()
    {
        root_.remove_child("cpus");
        Node& cpus = root_.child("cpus");
        cpus.set_u32("#address-cells", 1).set_u32("#size-cells", 0);
        for (unsigned i = 0; i < machine_.cpus; i++)
            cpus.child(at_address("cpu", i))
                .set_text("device_type", "cpu")
                .set_text("compatible", "arm,armv8")
                .set_u32("reg", i)
                .set_text("enable-method", "psci")
                .set_flag("cpu-idle-states");  // empty: its presence switches PSCI on
        root_.child("psci")
            .set_texts("compatible", {"arm,psci-1.0", "arm,psci-0.2"})
            .set_text("method", "hvc");
        write_timer();
    }

    void write_timer()
    {
        std::vector<std::uint32_t> interrupts;
        for (const std::uint32_t ppi : {13u, 14u, 11u, 10u})
            interrupts.insert(interrupts.end(), {kPpi, ppi, kLevelLow});
        root_.child("timer")
            .set_text("compatible", "arm,armv8-timer")
            .set_cells("interrupts", interrupts)
            .set_flag("always-on");
    }

    void write_interrupts()
    {
        const GicAddresses gic = gic_addresses(machine_.cpus);
        root_.child(at_address("interrupt-controller", gic.distributor))
            .set_text("compatible", "arm,gic-v3")
            .set_u32("#interrupt-cells", 3)
            .set_u32("#address-cells", 2)
            .set_u32("#size-cells", 2)
            .set_flag("interrupt-controller")
            .set_u64s("reg", {gic.distributor, kGicDistributorSize, gic.redistributors,
                              kGicRedistributorSize * machine_.cpus})
            .set_u32("phandle", gic_phandle_);
    }

    [[nodiscard]] std::uint32_t swiotlb_phandle() const { return gic_phandle_ + 1; }

    static std::string node_name(const MmioDevice& device)
    {
        return at_address(device.name, device.registers.base);
    }

    static std::vector<std::uint32_t> interrupt_of(const MmioDevice& device)
    {
        return {kSpi, *device.spi, device.level ? kLevelHigh : kEdgeRising};
    }

    /// Linux's AMBA bus probes no PrimeCell without one.
    void write_clock()
    {
        const auto has_clocks = [](const MmioDevice& device) { return !device.clocks.empty(); };
        if (std::any_of(machine_.devices.begin(), machine_.devices.end(), has_clocks))
            root_.child("apb-pclk")
                .set_text("compatible", "fixed-clock")
                .set_u32("#clock-cells", 0)
                .set_u32("clock-frequency", kBusClock)
                .set_text("clock-output-names", "apb-pclk")
                .set_u32("phandle", clock_phandle());
    }

    void write_device(const MmioDevice& device)
    {
        Node& node = root_.child(node_name(device));
        node.set_texts("compatible", {device.compatible.begin(), device.compatible.end()});
        node.set_u64s("reg", {device.registers.base, device.registers.size});
        if (device.spi)
            node.set_cells("interrupts", interrupt_of(device));
        for (const auto& [name, value] : device.cells)
            node.set_u32(name, value);
        if (!device.clocks.empty())
            node.set_cells("clocks",
                           std::vector<std::uint32_t>(device.clocks.size(), clock_phandle()))
                .set_texts("clock-names", {device.clocks.begin(), device.clocks.end()});
        if (device.power_key)
            write_power_key(node, *device.power_key);
        if (device.dma)
            write_dma(node);
    }

    void write_dma(Node& node)
    {
        node.set_flag("dma-coherent");
        const auto& extra = machine_.extra;
        if (std::any_of(extra.begin(), extra.end(), [](const auto& one) { return one.swiotlb; }))
            node.set_u32("memory-region", swiotlb_phandle());
    }

    void write_power_key(Node& gpio, unsigned line)
    {
        gpio.set_flag("gpio-controller")
            .set_u32("#gpio-cells", 2)
            .set_flag("interrupt-controller")
            .set_u32("#interrupt-cells", 2)
            .set_u32("#address-cells", 0)
            .set_u32("phandle", gpio_phandle());
        Node& keys = root_.child("gpio-keys").set_text("compatible", "gpio-keys");
        keys.child("power-button")
            .set_text("label", "Power Button")
            .set_u32("linux,code", kKeyPower)
            .set_cells("gpios", {gpio_phandle(), line, 0});
    }

    [[nodiscard]] std::uint32_t clock_phandle() const { return gic_phandle_ + 2; }
    [[nodiscard]] std::uint32_t gpio_phandle() const { return gic_phandle_ + 3; }

    /// Cells stand in both nodes, as Resource Managers differ in where they look. `ranges` says
    /// nothing to them; it keeps dtc from calling the cells unnecessary.
    void write_vm_config()
    {
        Node& config = root_.child("gunyah-vm-config");
        config.set_text("image-name", machine_.name).set_text("os-type", "linux");
        config.set_u32("#address-cells", 2).set_u32("#size-cells", 2).set_flag("ranges");
        Node& memory = config.child("memory");
        memory.set_u32("#address-cells", 2).set_u32("#size-cells", 2);
        memory.set_u64("base-address", machine_.ram.base);
        config.child("interrupts").set_u32("config", gic_phandle_);
        config.child("vcpus").set_text("affinity", "proxy");
        Node& vdevices = config.child("vdevices").set_text("generate", "/hypervisor");
        for (const auto& device : machine_.devices)
            if (device.spi)
                write_doorbell(vdevices, device);
        for (const auto& extra : machine_.extra)
            write_shm(vdevices, extra);
    }

    /// "qcom,label" rather than "label", which is a text elsewhere: every Resource Manager reads
    /// it, and dtc has nothing to complain of.
    static void write_doorbell(Node& vdevices, const MmioDevice& device)
    {
        const std::string name = "bell-" + std::to_string(*device.spi);
        vdevices.child(name)
            .set_text("vdevice-type", "doorbell")
            .set_text("generate", "/hypervisor/" + name)
            .set_u32("qcom,label", *device.spi)
            .set_flag("peer-default")
            .set_flag("source-can-clear")
            .set_cells("interrupts", interrupt_of(device));
    }

    static void write_shm(Node& vdevices, const ExtraMemory& extra)
    {
        const std::string name = "shm-" + std::to_string(extra.label);
        Node& node = vdevices.child(name);
        node.set_text("vdevice-type", "shm")
            .set_text("generate", "/hypervisor/" + name)
            .set_u32("qcom,label", extra.label)
            .set_flag("peer-default")
            .set_u64("dma_base", 0);
        node.child("memory")
            .set_flag("optional")
            .set_u32("qcom,label", extra.label)
            .set_u32("#address-cells", 2)
            .set_u64("base", extra.range.base);
    }

    const MachineDescription& machine_;
    Node& root_;
    std::uint32_t gic_phandle_;
};

/// The tree to start from, with its reserved memory.
struct Base {
    Node root{""};
    std::vector<View::Reservation> reservations;
};

Base base_of(const MachineDescription& machine)
{
    if (machine.base.empty())
        return {};
    std::string why;
    const auto view = View::open(machine.base, &why);
    if (!view)
        throw Error("dtb.base: not a devicetree: " + why);
    return {unflatten(*view), view->reservations()};
}

}  // namespace

GicAddresses gic_addresses(unsigned cpus)
{
    GicAddresses gic;
    gic.redistributors = gic.distributor - kGicRedistributorSize * cpus;
    return gic;
}

std::vector<std::byte> write_machine_tree(const MachineDescription& machine)
{
    Base base = base_of(machine);
    Writer(machine, base.root).write();
    auto blob = flatten(base.root, base.reservations);
    for (std::size_t i = 0; i < machine.overlays.size(); i++)
        blob = apply_overlay(blob, machine.overlays[i], "dtb.overlays[" + std::to_string(i) + "]");
    return blob;
}

}  // namespace gh::fdt
