// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "boot/kernel.h"
#include "boot/placement.h"
#include "config/vm.h"
#include "fdt/machine_tree.h"
#include "fdt/vm_config.h"
#include "memory/guest_memory.h"

#include <cstdint>
#include <optional>
#include <vector>

/// What a machine will look like, decided before anything is made: needs no hypervisor and no
/// privileges, reads no more of the images than their headers, takes no memory.
namespace gh::machine {

struct Initrd {
    Fd file;
    std::uint64_t size = 0;
};

struct Plan {
    /// regions[0] is RAM: the image parcel, with kernel, devicetree and initrd, where the guest
    /// starts. Then the swiotlb, if any, then the configured regions.
    std::vector<RegionSpec> regions;
    unsigned cpus = 1;
    boot::Kernel kernel;
    std::optional<Initrd> initrd;
    boot::Placement placement;
    /// Serial lines in the order of config::Vm::serial, then virtio_places(), then
    /// platform_devices_of().
    std::vector<fdt::MmioDevice> devices;
    std::vector<fdt::ExtraMemory> extra;
    fdt::GicAddresses gic;
    std::vector<std::byte> dtb;  // goes to placement.dtb

    [[nodiscard]] boot::Extent ram() const { return placement.ram; }
};

/// Throws Error for what the person must mend: images that are missing, of a wrong kind or too
/// large, memory that overlaps. `seeds`: random bytes for the guest; without them the same
/// configuration gives the same tree every time.
[[nodiscard]] Plan make_plan(const config::Vm& vm, const std::optional<fdt::Seeds>& seeds = {});

/// Fresh seeds from the host's random numbers.
[[nodiscard]] fdt::Seeds random_seeds();

/// Puts kernel, initrd, devicetree and, where the plan wants one, the branch to the kernel's entry
/// into memory made of plan.regions. Map only where the device takes pages of files: the emulated
/// one with shared RAM. Throws Error.
void load_images(const Plan& plan, const GuestMemory& memory, boot::Placing placing);

/// The Resource Manager's rules that the plan's tree and memory break.
[[nodiscard]] std::vector<fdt::Finding> lint(const Plan& plan);

}  // namespace gh::machine
