// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/device.h"
#include "devices/virtio/net_backend.h"
#include "devices/virtio/worker.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gh::virtio {

using MacAddress = std::array<std::uint8_t, 6>;

/// A network card (virtio 1.2, section 5.1) with one pair of queues and no control queue. One
/// thread moves the frames of both directions, as many as there are each time that it wakes.
class Net final : public VirtioDevice {
public:
    struct Options {
        std::string name;  // for messages and threads: "net0"
        MacAddress mac{};
        std::uint16_t mtu = 0;  // what the guest is told to use; 0: nothing
    };

    static constexpr std::uint16_t kQueueSize = 256;

    /// `backend`: its only user from now until it goes.
    Net(Options options, std::shared_ptr<NetBackend> backend);
    ~Net() override;

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Network; }
    [[nodiscard]] const char* name() const noexcept override { return options_.name.c_str(); }
    [[nodiscard]] std::uint64_t features() const noexcept override;
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override;
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    /// Between start() and stop(); the worker's, which comes last, so that it goes first.
    struct Activation;

    Options options_;
    std::shared_ptr<NetBackend> backend_;
    std::atomic<bool> link_up_;
    std::unique_ptr<Activation> active_;
};

}  // namespace gh::virtio
