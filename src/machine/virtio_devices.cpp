// SPDX-License-Identifier: BSD-3-Clause
#include "machine/virtio_devices.h"

#include "base/error.h"
#include "base/log.h"
#include "devices/virtio/block.h"
#include "devices/virtio/entropy.h"
#include "devices/virtio/file_system.h"
#include "devices/virtio/vsock.h"
#include "machine/net_card.h"
#include "machine/serial_lines.h"

#include <cstdint>
#include <functional>
#include <string>

#include <unistd.h>

namespace gh::machine {
namespace {

// 32 slots, of a page and an interrupt each. The SPIs below are those of serial lines and of what
// other devices a machine may have.
constexpr std::size_t kSlots = 32;
constexpr std::uint64_t kBase = 0x3010'0000;
constexpr std::uint32_t kFirstSpi = 16;

/// A device that a configuration asks for: its name, and how it comes into being.
struct Wanted {
    std::string name;
    std::function<std::unique_ptr<virtio::VirtioDevice>(const VirtioHost&)> make;
};

Wanted disk(const config::Disk& disk, std::size_t index)
{
    const std::string name = "disk" + std::to_string(index);
    return {name, [name, &disk, index](const VirtioHost& host) {
                return std::make_unique<virtio::Block>(virtio::Block::Options{
                    .name = name,
                    .serial = disk.serial,
                    .queues = disk.queues,
                    .image = {.path = disk.path,
                              .readonly = disk.readonly,
                              .direct = disk.direct,
                              .lock = disk.lock},
                    .rings = host.parts.rings(index),
                });
            }};
}

Wanted card(const config::Net& net, std::size_t index)
{
    const std::string name = "net" + std::to_string(index);
    return {name, [name, &net, index](const VirtioHost& host) {
                return make_net(net, name, host.parts.net(index));
            }};
}

Wanted folder(const config::Folder& folder, std::size_t index)
{
    const std::string name = "folder" + std::to_string(index);
    return {name, [name, &folder, index](const VirtioHost& host) {
                return std::make_unique<virtio::FileSystem>(
                    virtio::FileSystem::Options{.name = name, .tag = folder.tag}, host.memory,
                    host.parts.folder(index));
            }};
}

Wanted console(const std::vector<config::Serial>& lines)
{
    return {"console", [&lines](const VirtioHost& host) {
                std::vector<virtio::ConsolePort::Options> ports;
                ports.reserve(lines.size());
                for (const auto& line : lines)
                    ports.push_back({.name = line.name,
                                     .is_terminal = line.type == config::SerialType::Stdio,
                                     .backend = make_serial_backend(line, host.io, host.end)});
                return std::make_unique<virtio::Console>(std::move(ports));
            }};
}

// A page that the host has taken back would stay the guest's where a hypervisor has its address.
std::unique_ptr<virtio::VirtioDevice> make_balloon(std::uint64_t size, const VirtioHost& host)
{
    if (!host.releases_memory)
        throw Error(
            "balloon: the kernel's Gunyah driver pins guest memory, so that none comes back to the "
            "host; leave balloon out, or use the emulated device (hypervisor.device)");
    return std::make_unique<virtio::Balloon>(host.memory, size);
}

/// The one list of them, in the order of their slots.
std::vector<Wanted> wanted_of(const config::Vm& vm)
{
    std::vector<Wanted> wanted;
    for (std::size_t i = 0; i < vm.disks.size(); i++)
        wanted.push_back(disk(vm.disks[i], i));
    for (std::size_t i = 0; i < vm.net.size(); i++)
        wanted.push_back(card(vm.net[i], i));
    for (std::size_t i = 0; i < vm.folders.size(); i++)
        wanted.push_back(folder(vm.folders[i], i));
    if (vm.vsock)
        wanted.push_back({"vsock", [&vsock = *vm.vsock](const VirtioHost&) {
                              return std::make_unique<virtio::Vsock>(
                                  virtio::Vsock::Options{.cid = vsock.cid, .path = vsock.path});
                          }});
    if (vm.rng == true)
        wanted.push_back(
            {"rng", [](const VirtioHost&) { return std::make_unique<virtio::Entropy>(); }});
    if (!vm.console.empty())
        wanted.push_back(console(vm.console));
    if (vm.balloon && vm.balloon->enabled)
        wanted.push_back({"balloon", [size = vm.balloon->size](const VirtioHost& host) {
                              return make_balloon(size, host);
                          }});
    return wanted;
}

}  // namespace

std::vector<fdt::MmioDevice> virtio_places(const config::Vm& vm)
{
    const auto wanted = wanted_of(vm);
    if (wanted.size() > kSlots)
        throw Error("the VM has " + std::to_string(wanted.size()) +
                    " virtio devices; there is room for " + std::to_string(kSlots));
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

VirtioDevices::VirtioDevices(const config::Vm& vm, const VirtioHost& host)
{
    for (const Wanted& wanted : wanted_of(vm)) {
        auto& device = devices_.emplace_back(wanted.make(host));
        if (auto* const console = dynamic_cast<virtio::Console*>(device.get()))
            console_ = console;
        if (auto* const balloon = dynamic_cast<virtio::Balloon*>(device.get()))
            balloon_ = balloon;
    }
    look_at_terminal();
    const bool lent = vm.memory.sharing == config::Sharing::Lend;
    for (const auto& device : devices_)
        transports_.push_back(std::make_unique<virtio::MmioTransport>(
            *device, host.memory, virtio::MmioTransport::Options{.access_platform = lent}));
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

void VirtioDevices::drain() noexcept
{
    if (console_ != nullptr)
        console_->drain();
}

bool VirtioDevices::set_balloon(std::uint64_t bytes)
{
    if (balloon_ != nullptr)
        balloon_->set_target(bytes);
    return balloon_ != nullptr;
}

void VirtioDevices::describe(control::Status& status, std::span<const config::Serial> ports) const
{
    for (const auto& transport : transports_) {
        control::DeviceStatus of{.name = transport->name(),
                                 .interrupts = transport->irq().pulses()};
        for (const virtio::Traffic& queue : transport->traffic()) {
            of.sent += queue.sent;
            of.received += queue.received;
        }
        status.devices.push_back(std::move(of));
    }
    if (balloon_ != nullptr)
        status.balloon = balloon_->actual();
    unsigned hvc = 0;
    for (std::size_t i = 0; i < ports.size(); ++i)
        status.consoles.push_back(
            console_status(ports[i].name.empty() ? "hvc" + std::to_string(hvc++) : ports[i].name,
                           ports[i].type, console_->port(i).backend()));
}

void VirtioDevices::look_at_terminal() noexcept
{
    if (console_ == nullptr)
        return;
    if (const auto size = terminal_size(STDIN_FILENO))
        console_->resize(*size);
}

}  // namespace gh::machine
