// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/node.h"

/// A devicetree that the Resource Manager takes, for tests that change one thing in it.
namespace gh::fdt {

inline constexpr std::uint32_t kGicPhandle = 1;

inline void add_cpu(Node& root, unsigned index)
{
    root.child("cpus")
        .child("cpu@" + std::to_string(index))
        .set_text("device_type", "cpu")
        .set_text("compatible", "arm,armv8")
        .set_text("enable-method", "psci")
        .set_u32("reg", index)
        .set_flag("cpu-idle-states");
}

inline Node& add_bell(Node& parent, unsigned number)
{
    const std::string name = "bell-" + std::to_string(number);
    return parent.child(name)
        .set_text("vdevice-type", "doorbell")
        .set_text("generate", "/hypervisor/" + name)
        .set_u32("label", number)
        .set_flag("peer-default")
        .set_flag("source-can-clear")
        .set_cells("interrupts", {0, number, 1});
}

inline Node& add_shm(Node& parent, std::uint64_t base)
{
    parent.child("shm-1")
        .set_text("vdevice-type", "shm")
        .set_u32("label", 1)
        .set_flag("peer-default")
        .set_u64("dma_base", 0);
    return parent.child("shm-1").child("memory").set_u32("label", 1).set_u64("base", base);
}

inline Node& config_node(Node& root, std::string_view name)
{
    Node& config = root.child("gunyah-vm-config");
    return name == "vdevices" || name == "memory" || name == "vcpus" || name == "interrupts"
               ? config.child(name)
               : config;
}

inline Node probe_tree()
{
    Node root;
    root.set_u32("interrupt-parent", kGicPhandle).set_u32("#address-cells", 2);
    root.set_u32("#size-cells", 2);
    root.child("chosen").set_text("bootargs", "probe");
    root.child("memory")
        .set_text("device_type", "memory")
        .set_u64s("reg", {0x8000'0000, 0x80'0000});
    root.child("cpus").set_u32("#address-cells", 1).set_u32("#size-cells", 0);
    add_cpu(root, 0);
    root.child("psci").set_texts("compatible", {"arm,psci-1.0", "arm,psci-0.2"});
    root.child("intc@3fff0000")
        .set_text("compatible", "arm,gic-v3")
        .set_u32("#interrupt-cells", 3)
        .set_flag("interrupt-controller")
        .set_u64s("reg", {0x3fff'0000, 0x1'0000, 0x3ff0'0000, 0x4'0000})
        .set_u32("phandle", kGicPhandle);
    Node& config = root.child("gunyah-vm-config").set_text("image-name", "probe-vm");
    config.set_text("os-type", "linux").set_u32("#address-cells", 2).set_u32("#size-cells", 2);
    config.child("memory").set_u32("#address-cells", 2).set_u32("#size-cells", 2);
    config.child("memory").set_u64("base-address", 0x8000'0000);
    config.child("interrupts").set_u32("config", kGicPhandle);
    config.child("vcpus").set_text("affinity", "proxy");
    config.child("vdevices").set_text("generate", "/hypervisor");
    add_bell(config.child("vdevices"), 0);
    return root;
}

}  // namespace gh::fdt
