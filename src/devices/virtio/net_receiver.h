// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/device.h"
#include "devices/virtio/net_backend.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace gh::virtio {

/// The receive queue of a network device at work (virtio 1.2, 5.1.6.3): frames from the host into
/// buffers of the guest. A frame waits for buffers, and the host keeps those behind it. One thread.
class NetReceiver {
public:
    /// `merges`: VIRTIO_NET_F_MRG_RXBUF, a frame may fill several buffers. The backend outlives it.
    NetReceiver(const ActiveQueue& queue, NetBackend& backend, bool merges);

    [[nodiscard]] const EventFd& kick() const noexcept { return *active_.kick; }

    /// Moves what there is; kicks itself after many frames, so that others get their turn. Which
    /// rule the driver broke, or nullptr.
    [[nodiscard]] const char* run();

    [[nodiscard]] bool wants_interrupt() noexcept { return active_.queue.wants_interrupt(); }
    /// A kick will say when to go on, and not the backend.
    [[nodiscard]] bool waits_for_buffers() const noexcept { return frame_.has_value(); }

private:
    enum class Placed { Done, NoBuffers, Broken };

    [[nodiscard]] Placed place(const NetFrame& frame);
    [[nodiscard]] Queue::Popped hold_another();
    void fill(const NetFrame& frame);

    ActiveQueue active_;
    NetBackend& backend_;
    bool merges_;
    std::optional<NetFrame> frame_;  // waits for buffers
    std::vector<Chain> held_;        // taken from the queue, the first held_count_ of them
    std::size_t held_count_ = 0;
    std::size_t room_ = 0;  // bytes in those
    const char* trouble_ = nullptr;
};

}  // namespace gh::virtio
