// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "devices/virtio/block.h"
#include "devices/virtio/net_backend.h"
#include "machine/folders.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace gh::machine {

/// What the machines of a VM use one after the other, since the process may be confined once the
/// first has it all: it can start no passt and no virtiofsd then, open no tap and make no ring.
/// What the host takes away, a passt that dies, stays away. One thread at a time.
class HostParts {
public:
    /// Starts who serves the folders. `vm` must outlive it. Throws Error.
    explicit HostParts(const config::Vm& vm);

    /// Before a machine is built; `may_start`: programs.
    void renew(bool may_start) noexcept { folders_.renew(may_start); }

    /// What the network card leads to, for the one machine that there is. Throws Error.
    [[nodiscard]] std::shared_ptr<virtio::NetBackend> net(std::size_t index);

    /// Who serves the folder.
    [[nodiscard]] virtio::VhostUser& folder(std::size_t index) { return folders_.backend(index); }

    /// The rings of the disk. Throws Error.
    [[nodiscard]] virtio::Block::Rings rings(std::size_t disk);

private:
    const config::Vm& vm_;
    std::vector<std::shared_ptr<virtio::NetBackend>> nets_;
    std::vector<virtio::Block::Rings> rings_;
    Folders folders_;
};

}  // namespace gh::machine
