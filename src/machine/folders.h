// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "devices/virtio/vhost_user.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace gh::machine {

/// Who serves a VM's shared folders: a virtiofsd each, or whoever listens at a socket. They stay
/// from one machine of the VM's to the next, since a running VM may start no programs. The thread
/// that builds machines.
class Folders {
public:
    /// Starts or calls all of them; they end as this goes. `wanted` must outlive it. Throws Error.
    explicit Folders(std::span<const config::Folder> wanted);

    /// Before a machine is built: those that have ended are called again and, if we `may_start`
    /// programs, started again. Who does not come is said, and the machine has a folder that does
    /// not answer.
    void renew(bool may_start) noexcept;

    [[nodiscard]] virtio::VhostUser& backend(std::size_t index) const
    {
        return *backends_.at(index);
    }

private:
    std::span<const config::Folder> wanted_;
    std::vector<std::unique_ptr<virtio::VhostUser>> backends_;
};

}  // namespace gh::machine
