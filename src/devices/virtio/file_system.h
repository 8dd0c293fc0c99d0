// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/device.h"
#include "devices/virtio/dma_memory.h"
#include "devices/virtio/vhost_user.h"
#include "devices/virtio/worker.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gh::virtio {

/// A file system device (virtio 1.2, section 5.11), by which a guest has a folder of the host's.
/// What it asks for goes past us, to a vhost-user back-end; a thread of the device's makes
/// interrupts of the back-end's calls. Once the back-end has ended it answers in its place, that
/// the folder is gone (ENOTCONN), so that nobody in the guest waits for ever.
class FileSystem final : public VirtioDevice {
public:
    /// Of each of its two queues: one for requests that must not wait, one for the others.
    static constexpr std::uint16_t kQueueSize = 1024;
    /// How many bytes a tag may have.
    static constexpr std::size_t kTagSize = 36;

    struct Options {
        std::string name;  // for messages and threads: "folder0"
        std::string tag;   // what the guest mounts
    };

    /// Memory and back-end outlive it; the back-end serves nobody else meanwhile.
    FileSystem(Options options, const DmaMemory& memory, VhostUser& backend);
    ~FileSystem() override;

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::FileSystem; }
    [[nodiscard]] const char* name() const noexcept override { return options_.name.c_str(); }
    [[nodiscard]] std::uint64_t features() const noexcept override { return 0; }
    [[nodiscard]] std::uint64_t ring_features() const noexcept override
    {
        return backend_.features();
    }
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override
    {
        return {kQueueSize, kQueueSize};
    }
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override;
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    void watch_backend(Poller& poller, Notifier& notifier);
    void take_over(Poller& poller, Notifier& notifier);
    void refuse(Poller& poller, ActiveQueue& queue, Notifier& notifier);
    void say_trouble();

    Options options_;
    const DmaMemory& memory_;
    VhostUser& backend_;
    std::vector<EventFd> calls_{2};
    std::vector<ActiveQueue> queues_;
    Chain chain_;
    bool running_ = false;  // the back-end has the queues
    bool said_trouble_ = false;
    std::unique_ptr<Worker> worker_;
};

}  // namespace gh::virtio
