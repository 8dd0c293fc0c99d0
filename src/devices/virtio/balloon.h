// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/locked.h"
#include "devices/virtio/device.h"
#include "devices/virtio/worker.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace gh::virtio {

/// Takes memory back from a guest (virtio 1.2, section 5.5): what it puts into the balloon, as the
/// host asks, and by free page reporting what it does not use, unasked. The guest may take pages
/// out of the balloon before it runs short of memory; no statistics. One thread serves it.
class Balloon final : public VirtioDevice {
public:
    static constexpr std::uint16_t kQueueSize = 128;
    static constexpr std::uint64_t kPage = 4096;  // a balloon's, whatever the guest's are

    /// `memory` must outlive it: released pages are of what it holds. `target`: bytes.
    Balloon(const DmaMemory& memory, std::uint64_t target);
    ~Balloon() override;

    /// How many bytes the balloon is to hold; the guest follows when it can. Any thread.
    void set_target(std::uint64_t bytes);
    [[nodiscard]] std::uint64_t target() const noexcept { return target_ * kPage; }
    /// How many the guest says that it holds.
    [[nodiscard]] std::uint64_t actual() const noexcept { return actual_ * kPage; }

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Balloon; }
    [[nodiscard]] const char* name() const noexcept override { return "balloon"; }
    [[nodiscard]] std::uint64_t features() const noexcept override;
    /// Inflate, deflate, and reports: third for want of those between, as Linux and QEMU count.
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override
    {
        return {kQueueSize, kQueueSize, kQueueSize};
    }
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override;
    void write_config(std::uint64_t offset, std::span<const std::byte> from) noexcept override;
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    void serve_queue(ActiveQueue& queue);
    void inflate(const Chain& chain);
    void report(const Chain& chain);
    void release(std::span<std::byte> pages);

    const DmaMemory& memory_;
    std::atomic<std::uint32_t> target_;  // these two in pages
    std::atomic<std::uint32_t> actual_{0};
    Locked<Notifier*> listener_{nullptr};  // while there is somebody to tell of a new target

    Notifier* notifier_ = nullptr;
    std::vector<ActiveQueue> queues_;
    Chain chain_;
    std::unique_ptr<Worker> worker_;
};

}  // namespace gh::virtio
