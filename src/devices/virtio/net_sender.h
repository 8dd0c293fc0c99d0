// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/device.h"
#include "devices/virtio/net_backend.h"

#include <cstdint>

namespace gh::virtio {

/// The transmit queue of a network device at work (virtio 1.2, 5.1.6.2): frames of the guest to the
/// host. Those that break a rule are dropped. One thread.
class NetSender {
public:
    /// `features`: what both sides agreed on. The backend outlives it.
    NetSender(const ActiveQueue& queue, NetBackend& backend, std::uint64_t features);

    [[nodiscard]] const EventFd& kick() const noexcept { return *active_.kick; }

    /// Moves what there is; kicks itself after many frames, so that others get their turn. Which
    /// rule the driver broke, or nullptr.
    [[nodiscard]] const char* run();

    [[nodiscard]] bool wants_interrupt() noexcept { return active_.queue.wants_interrupt(); }
    /// The backend takes no more until it is writable.
    [[nodiscard]] bool waits_for_host() const noexcept { return waits_for_host_; }

private:
    [[nodiscard]] bool send(const Chain& chain);

    ActiveQueue active_;
    NetBackend& backend_;
    std::uint64_t features_;
    Chain chain_;
    Buffer frame_;
    bool waits_for_host_ = false;
};

}  // namespace gh::virtio
