// SPDX-License-Identifier: BSD-3-Clause
#include "machine/host_parts.h"

#include "machine/net_card.h"

#include <string>

namespace gh::machine {
namespace {

virtio::Block::Io io_of(const config::Disk& disk)
{
    switch (disk.io) {
    case config::DiskIo::Auto: break;
    case config::DiskIo::Uring: return virtio::Block::Io::Uring;
    case config::DiskIo::Threads: return virtio::Block::Io::Threads;
    }
    return virtio::Block::Io::Auto;
}

}  // namespace

HostParts::HostParts(const config::Vm& vm)
    : vm_(vm), nets_(vm.net.size()), rings_(vm.disks.size()), folders_(vm.folders)
{
}

std::shared_ptr<virtio::NetBackend> HostParts::net(std::size_t index)
{
    auto& backend = nets_.at(index);
    if (!backend)
        backend = open_net_backend(vm_.net.at(index), "net" + std::to_string(index));
    return backend;
}

virtio::Block::Rings HostParts::rings(std::size_t disk)
{
    auto& rings = rings_.at(disk);
    const config::Disk& wanted = vm_.disks.at(disk);
    if (rings.empty())
        rings = virtio::Block::make_rings(io_of(wanted), wanted.queues);
    return rings;
}

}  // namespace gh::machine
