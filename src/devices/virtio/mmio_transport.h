// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "devices/device.h"
#include "devices/irq_line.h"
#include "devices/virtio/device.h"
#include "devices/virtio/dma_memory.h"

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gh::virtio {

/// Virtio over MMIO, version 2 (virtio 1.2, section 4.2): the registers before a device. Its door
/// guards all but what Notifier says, which a device's threads say without it.
class MmioTransport final : public Device, private Notifier {
public:
    static constexpr std::uint64_t kSize = 0x1000;
    /// Where a driver writes a queue's number to kick it.
    static constexpr std::uint64_t kNotify = 0x50;

    struct Options {
        /// Offers VIRTIO_F_ACCESS_PLATFORM and demands it: the driver must use what memory the
        /// platform makes reachable (the bounce buffer of a VM whose RAM is lent).
        bool access_platform = false;
    };

    /// Both outlive it. Throws Error.
    MmioTransport(VirtioDevice& device, const DmaMemory& memory, const Options& options);
    ~MmioTransport() override;

    std::uint64_t read(MmioAccess access) noexcept override;
    void write(MmioAccess access, std::uint64_t value) noexcept override;

    [[nodiscard]] const IrqLine& irq() const noexcept { return irq_; }
    /// One for each queue: what an ioeventfd signals in place of a write to QueueNotify.
    [[nodiscard]] std::span<const EventFd> kicks() const noexcept { return kicks_; }
    [[nodiscard]] const char* name() const noexcept { return device_.name(); }
    /// Of each queue, since the transport was made.
    [[nodiscard]] std::span<const Traffic> traffic() const noexcept { return traffic_; }

    /// Stops the device for good, before what it uses goes. No vCPU runs any more.
    void stop() noexcept;

private:
    struct QueueRegisters {
        std::uint16_t max = 0;
        std::uint32_t size = 0;
        std::uint64_t descriptors = 0;
        std::uint64_t available = 0;
        std::uint64_t used = 0;
        bool ready = false;
    };

    void used_buffers() noexcept override;
    void config_changed() noexcept override;
    void needs_reset(const char* why) noexcept override;

    [[nodiscard]] std::uint32_t read_register(std::uint64_t offset) noexcept;
    [[nodiscard]] std::uint32_t read_status() const noexcept;
    [[nodiscard]] std::uint64_t read_config(MmioAccess access) noexcept;
    void write_register(std::uint64_t offset, std::uint32_t value) noexcept;
    void write_queue(QueueRegisters& queue, std::uint64_t offset, std::uint32_t value) noexcept;
    void write_ready(QueueRegisters& queue, bool ready) noexcept;
    void write_status(std::uint32_t value) noexcept;
    void write_driver_features(std::uint32_t value) noexcept;
    [[nodiscard]] bool accepts_features() const noexcept;
    void kick(std::uint32_t index) noexcept;
    void reset() noexcept;
    void start_device() noexcept;
    [[nodiscard]] std::vector<ActiveQueue> open_queues();
    void interrupt(std::uint32_t reason) noexcept;

    /// The queue that QueueSel has selected; nullptr if there is none such.
    [[nodiscard]] QueueRegisters* selected() noexcept;
    [[nodiscard]] bool agreed(unsigned feature) const noexcept;
    [[nodiscard]] QueueSetup setup_of(const QueueRegisters& queue) const noexcept;

    VirtioDevice& device_;
    const DmaMemory& memory_;
    const Options options_;
    const std::uint64_t offered_;
    IrqLine irq_;
    std::vector<EventFd> kicks_;
    std::vector<Traffic> traffic_;
    std::vector<QueueRegisters> queues_;

    std::uint32_t status_ = 0;
    std::uint64_t driver_features_ = 0;
    std::uint32_t device_features_select_ = 0;
    std::uint32_t driver_features_select_ = 0;
    std::uint32_t queue_select_ = 0;

    // A device's threads write these.
    std::atomic<std::uint32_t> interrupt_status_{0};
    std::atomic<std::uint32_t> config_generation_{0};
    std::atomic<bool> broken_{false};
    std::atomic<bool> said_broken_{false};
    bool said_failed_ = false;
};

}  // namespace gh::virtio
