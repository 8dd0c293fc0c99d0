// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/device.h"
#include "devices/virtio/worker.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace gh::virtio {

/// Random bytes (virtio 1.2, section 5.4) from the host's getrandom(2), by a thread of its own.
class Entropy final : public VirtioDevice {
public:
    static constexpr std::uint16_t kQueueSize = 8;
    /// What one request brings at most, however long it is: so none keeps the thread.
    static constexpr std::uint64_t kMaxBytes = 64 << 10;

    Entropy() = default;
    ~Entropy() override;

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Entropy; }
    [[nodiscard]] const char* name() const noexcept override { return "rng"; }
    [[nodiscard]] std::uint64_t features() const noexcept override { return 0; }
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override { return {kQueueSize}; }
    void read_config(std::uint64_t, std::span<std::byte>) noexcept override {}
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    std::optional<ActiveQueue> requests_;
    Chain chain_;
    std::unique_ptr<Worker> worker_;
};

}  // namespace gh::virtio
