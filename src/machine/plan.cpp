// SPDX-License-Identifier: BSD-3-Clause
#include "machine/plan.h"

#include "base/bits.h"
#include "base/error.h"
#include "fdt/lint.h"
#include "machine/platform_devices.h"
#include "machine/virtio_devices.h"
#include "memory/hex.h"

#include <algorithm>
#include <string>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::machine {
namespace {

constexpr std::uint64_t kBlock = 0x20'0000;
constexpr std::uint64_t kSerialBase = 0x3000'0000;
constexpr std::uint64_t kSerialStride = 0x1000;
constexpr std::uint32_t kSerialClock = 1'843'200;
constexpr std::uint64_t kMaxTree = 16 << 20;

Sharing sharing_of(config::Sharing sharing)
{
    return sharing == config::Sharing::Lend ? Sharing::Lend : Sharing::Share;
}

RegionSpec ram_of(const config::Memory& memory)
{
    RegionSpec ram;
    ram.base = Gpa{memory.base};
    ram.size = memory.size;
    ram.file = memory.file;
    ram.hugepages = memory.hugepages;
    ram.prefault = memory.prefault;
    ram.sharing = sharing_of(memory.sharing);
    return ram;
}

/// Labels name parcels: RAM has 0, the configured regions theirs, the swiotlb the first one left.
std::uint32_t free_label(const config::Memory& memory)
{
    std::uint32_t label = 1;
    const auto taken = [&label](const config::Region& region) { return region.label == label; };
    while (std::any_of(memory.regions.begin(), memory.regions.end(), taken))
        label++;
    return label;
}

RegionSpec swiotlb_of(const config::Memory& memory)
{
    RegionSpec swiotlb;
    swiotlb.label = free_label(memory);
    swiotlb.base = Gpa{align_up(memory.base + memory.size, kBlock)};
    swiotlb.size = memory.swiotlb;
    swiotlb.access.execute = false;
    return swiotlb;
}

RegionSpec region_of(const config::Region& region)
{
    return {region.label,
            Gpa{region.address},
            region.size,
            region.file,
            region.offset,
            region.copy_on_write,
            false,
            {region.access.read, region.access.write, region.access.execute},
            sharing_of(region.sharing)};
}

std::vector<RegionSpec> regions_of(const config::Memory& memory)
{
    std::vector<RegionSpec> regions{ram_of(memory)};
    if (memory.swiotlb != 0)
        regions.push_back(swiotlb_of(memory));
    for (const auto& region : memory.regions)
        regions.push_back(region_of(region));
    return regions;
}

std::vector<fdt::ExtraMemory> extra_of(const config::Memory& memory,
                                       const std::vector<RegionSpec>& regions)
{
    std::vector<fdt::ExtraMemory> extra;
    for (std::size_t i = 1; i < regions.size(); i++)
        extra.push_back({regions[i].label,
                         {raw(regions[i].base), regions[i].size},
                         memory.swiotlb != 0 && i == 1});
    return extra;
}

std::vector<fdt::MmioDevice> devices_of(const config::Vm& vm)
{
    std::vector<fdt::MmioDevice> devices;
    for (std::uint32_t i = 0; i < vm.serial.size(); i++)
        devices.push_back({"serial",
                           {"ns16550a"},
                           {kSerialBase + i * kSerialStride, kSerialStride},
                           i,
                           false,
                           {{"clock-frequency", kSerialClock}, {"reg-shift", 0}},
                           "serial" + std::to_string(i)});
    for (auto& place : virtio_places(vm))
        devices.push_back(std::move(place));
    for (auto& device : platform_devices_of(vm))
        devices.push_back(std::move(device));
    return devices;
}

std::optional<Initrd> open_initrd(const std::optional<std::string>& path)
{
    if (!path)
        return std::nullopt;
    Initrd initrd{open_file(*path, O_RDONLY), 0};
    struct stat status {};
    if (::fstat(initrd.file.get(), &status) != 0)
        throw_errno("stat " + *path);
    if (!S_ISREG(status.st_mode) || status.st_size == 0)
        throw Error(*path + ": an initrd must be a regular file with something in it");
    initrd.size = static_cast<std::uint64_t>(status.st_size);
    return initrd;
}

std::vector<std::byte> read_tree(const std::string& path)
{
    const Fd file = open_file(path, O_RDONLY);
    std::vector<std::byte> bytes(kMaxTree + 1);
    const ssize_t size = ::pread(file.get(), bytes.data(), bytes.size(), 0);
    if (size < 0)
        throw_errno("read " + path);
    if (static_cast<std::size_t>(size) > kMaxTree)
        throw Error(path + ": too large for a devicetree");
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
}

std::string joined(const std::vector<std::string>& words)
{
    std::string line;
    for (const auto& word : words)
        line += (line.empty() ? "" : " ") + word;
    return line;
}

std::vector<std::byte> write_tree(const config::Vm& vm, const Plan& plan,
                                  const std::optional<fdt::Seeds>& seeds)
{
    fdt::MachineDescription machine;
    machine.name = vm.name;
    machine.bootargs = joined(vm.params);
    machine.cpus = plan.cpus;
    machine.ram = {raw(plan.ram().at), plan.ram().size};
    machine.extra = plan.extra;
    machine.devices = plan.devices;
    machine.stdout_alias = vm.serial.empty() ? "" : plan.devices.front().alias;
    if (const auto& initrd = plan.placement.initrd)
        machine.initrd = {raw(initrd->at), initrd->size};
    machine.seeds = seeds;
    if (vm.dtb.base)
        machine.base = read_tree(*vm.dtb.base);
    for (const auto& overlay : vm.dtb.overlays)
        machine.overlays.push_back(read_tree(overlay));
    auto tree = fdt::write_machine_tree(machine);
    if (tree.size() > plan.placement.dtb.size)
        throw Error("the devicetree of " + std::to_string(tree.size()) + " bytes is larger than " +
                    std::to_string(plan.placement.dtb.size));
    return tree;
}

void check_base(const config::Memory& memory)
{
    if (!is_aligned(memory.base, kBlock))
        throw Error("memory.base " + hex(memory.base) +
                    " is not a multiple of 2 MiB: the Resource Manager would round it up");
}

}  // namespace

Plan make_plan(const config::Vm& vm, const std::optional<fdt::Seeds>& seeds)
{
    check_base(vm.memory);
    const boot::Extent ram{Gpa{vm.memory.base}, vm.memory.size};
    boot::Kernel kernel(vm.kernel.path, vm.kernel.address);
    const auto kernel_extent = kernel.extent(ram);
    auto initrd = open_initrd(vm.initrd);
    const auto initrd_size = initrd ? std::optional(initrd->size) : std::nullopt;
    Plan plan{regions_of(vm.memory),
              vm.cpus.count,
              std::move(kernel),
              std::move(initrd),
              boot::place(ram, kernel_extent, initrd_size),
              devices_of(vm),
              {},
              fdt::gic_addresses(vm.cpus.count),
              {}};
    plan.extra = extra_of(vm.memory, plan.regions);
    plan.dtb = write_tree(vm, plan, seeds);
    return plan;
}

fdt::Seeds random_seeds()
{
    fdt::Seeds seeds;
    if (::getrandom(&seeds.kaslr, sizeof seeds.kaslr, 0) < 0 ||
        ::getrandom(seeds.rng.data(), seeds.rng.size(), 0) < 0)
        throw_errno("getrandom");
    return seeds;
}

void load_images(const Plan& plan, const GuestMemory& memory, boot::Placing placing)
{
    const auto& placement = plan.placement;
    plan.kernel.load(memory, placement.ram, placing);
    if (placement.entry_by == boot::EntryBy::Branch)
        GH_CHECK(memory.write(placement.ram.at, boot::branch_to_entry(placement)));
    if (plan.initrd)
        boot::load_file(memory, placement.initrd->at,
                        {plan.initrd->file.get(), 0, plan.initrd->size}, placing);
    GH_CHECK(memory.write(placement.dtb.at, plan.dtb));
}

std::vector<fdt::Finding> lint(const Plan& plan)
{
    fdt::LintContext context;
    context.platform.region_size = plan.placement.dtb.size;
    for (const auto& region : plan.regions)
        context.parcels.push_back(
            {region.label, region.size, context.parcels.empty(), region.sharing == Sharing::Lend});
    return fdt::lint(plan.dtb, context);
}

}  // namespace gh::machine
