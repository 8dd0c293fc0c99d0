// SPDX-License-Identifier: BSD-3-Clause
#include "machine/virtio_devices.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/block.h"
#include "machine/net_card.h"

#include <cstdint>
#include <functional>
#include <string>

namespace gh::machine {
namespace {

// 32 slots, of a page and an interrupt each. The SPIs below are those of serial lines and of what
// other devices a machine may have.
constexpr std::size_t kSlots = 32;
constexpr std::uint64_t kBase = 0x3010'0000;
constexpr std::uint32_t kFirstSpi = 16;

using Made = std::unique_ptr<virtio::VirtioDevice>;

virtio::Block::Io io_of(const config::Disk& disk)
{
    switch (disk.io) {
    case config::DiskIo::Auto: break;
    case config::DiskIo::Uring: return virtio::Block::Io::Uring;
    case config::DiskIo::Threads: return virtio::Block::Io::Threads;
    }
    return virtio::Block::Io::Auto;
}

Made make_disk(const config::Disk& disk, const std::string& name)
{
    return std::make_unique<virtio::Block>(virtio::Block::Options{
        .name = name,
        .serial = disk.serial,
        .queues = disk.queues,
        .io = io_of(disk),
        .image = {.path = disk.path,
                  .readonly = disk.readonly,
                  .direct = disk.direct,
                  .lock = disk.lock},
    });
}

/// A device that a configuration asks for.
struct Wanted {
    std::string name;
    std::function<Made(const std::string& name)> make;
};

/// All of them, in the order of their slots.
std::vector<Wanted> wanted_of(const config::Vm& vm)
{
    std::vector<Wanted> all;
    const auto add = [&all](const char* kind, const auto& settings, auto make) {
        for (std::size_t i = 0; i < settings.size(); i++)
            all.push_back({kind + std::to_string(i), [make, &one = settings[i]](const auto& name) {
                               return make(one, name);
                           }});
    };
    add("disk", vm.disks, make_disk);
    add("net", vm.net, make_net);
    return all;
}

}  // namespace

std::vector<fdt::MmioDevice> virtio_places(const config::Vm& vm)
{
    const auto wanted = wanted_of(vm);
    if (wanted.size() > kSlots)
        throw Error("the VM has " + std::to_string(wanted.size()) +
                    " virtio devices (disks, net); there is room for " + std::to_string(kSlots));
    std::vector<fdt::MmioDevice> places;
    for (std::uint32_t slot = 0; slot < wanted.size(); slot++) {
        fdt::MmioDevice place;
        place.name = "virtio_mmio";
        place.compatible = {"virtio,mmio"};
        place.registers = {kBase + slot * virtio::MmioTransport::kSize,
                           virtio::MmioTransport::kSize};
        place.spi = kFirstSpi + slot;
        place.dma = true;
        place.title = wanted[slot].name;
        places.push_back(std::move(place));
    }
    return places;
}

VirtioDevices::VirtioDevices(const config::Vm& vm, const virtio::DmaMemory& memory)
{
    for (const auto& [name, make] : wanted_of(vm))
        devices_.push_back(make(name));
    const bool lent = vm.memory.sharing == config::Sharing::Lend;
    for (const auto& device : devices_)
        transports_.push_back(std::make_unique<virtio::MmioTransport>(
            *device, memory, virtio::MmioTransport::Options{.access_platform = lent}));
}

void VirtioDevices::attach(std::span<const fdt::MmioDevice> places, MmioBus& bus, gunyah::Vm& vm)
{
    for (std::size_t i = 0; i < transports_.size(); i++) {
        virtio::MmioTransport& transport = *transports_[i];
        const Gpa base{places[i].registers.base};
        bus.attach(transport.name(), base, places[i].registers.size, transport);
        vm.add_irqfd(places[i].spi.value(), transport.irq().event());
        for (std::uint32_t queue = 0; queue < transport.kicks().size(); queue++)
            if (!vm.add_ioeventfd(base + virtio::MmioTransport::kNotify, queue,
                                  transport.kicks()[queue]))
                log(LogLevel::Info,
                    "%s: the kernel takes no ioeventfd for queue %u; kicks are exits",
                    transport.name(), queue);
    }
}

void VirtioDevices::stop() noexcept
{
    for (const auto& transport : transports_)
        transport->stop();
}

}  // namespace gh::machine
