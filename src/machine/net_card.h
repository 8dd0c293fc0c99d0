// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "devices/virtio/device.h"

#include <memory>
#include <string>

namespace gh::machine {

/// A network card and what it leads to: opens the tap, starts passt, or uses the descriptor.
/// `name`: "net0". Throws Error.
[[nodiscard]] std::unique_ptr<virtio::VirtioDevice> make_net(const config::Net& net,
                                                             const std::string& name);

}  // namespace gh::machine
