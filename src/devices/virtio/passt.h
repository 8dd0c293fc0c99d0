// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstdint>
#include <string>
#include <vector>

namespace gh::virtio {

/// A port of the host's that leads to one of the guest's.
struct PortForward {
    bool udp = false;
    std::string address;  // of the host's, which it is bound to
    std::uint16_t host = 0;
    std::uint16_t guest = 0;
};

/// Starts passt(1), a network for a guest made of this user's sockets, which needs no rights. It
/// ends when the socket is closed: with us, however we end. Returns once it is ready, with our end
/// of the socket, for a FrameSocket. `name`: for messages. Where the host lets nobody make
/// namespaces, as in most containers, it runs without its own. Throws Error, with what passt says.
[[nodiscard]] Fd start_passt(const std::string& name, std::uint16_t mtu,
                             const std::vector<PortForward>& forwards);

}  // namespace gh::virtio
