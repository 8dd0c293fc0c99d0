// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "devices/virtio/net.h"

#include <memory>
#include <string>

namespace gh::machine {

/// What a network card leads to: opens the tap, starts passt, or uses the descriptor.
/// `name`: "net0". Throws Error.
[[nodiscard]] std::unique_ptr<virtio::NetBackend> open_net_backend(const config::Net& net,
                                                                   const std::string& name);

/// The network card that leads there.
[[nodiscard]] std::unique_ptr<virtio::VirtioDevice> make_net(
    const config::Net& net, const std::string& name, std::shared_ptr<virtio::NetBackend> backend);

}  // namespace gh::machine
