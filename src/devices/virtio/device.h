// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "devices/virtio/queue.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Virtio devices (OASIS, Virtual I/O Device Version 1.2) for any transport.
namespace gh::virtio {

/// virtio 1.2, chapter 5.
enum class DeviceId : std::uint32_t {
    Network = 1,
    Block = 2,
    Console = 3,
    Entropy = 4,
    Balloon = 5,
    Filesystem9p = 9,
    Socket = 19,
    FileSystem = 26,
};

/// Feature bits that belong to every device (virtio 1.2, chapter 6). The transport offers them.
inline constexpr unsigned kFeatureIndirectDesc = 28;
inline constexpr unsigned kFeatureEventIdx = 29;
inline constexpr unsigned kFeatureVersion1 = 32;
inline constexpr unsigned kFeatureAccessPlatform = 33;

/// What a device tells its driver. Any thread, from Device::start() until stop() has returned.
class Notifier {
public:
    Notifier() = default;
    Notifier(const Notifier&) = delete;
    Notifier& operator=(const Notifier&) = delete;
    virtual ~Notifier() = default;

    /// Chains were pushed, and the driver wants to know.
    virtual void used_buffers() noexcept = 0;
    /// The configuration space says something else now.
    virtual void config_changed() noexcept = 0;
    /// The driver broke a rule, said in `why`: the device does nothing more until it is reset.
    virtual void needs_reset(const char* why) noexcept = 0;
};

/// A queue that the driver has made ready, and what tells that it has kicked.
struct ActiveQueue {
    unsigned index = 0;
    Queue queue;
    const EventFd* kick = nullptr;  // the transport's; outlives the activation
};

/// A virtio device behind its transport, which holds a lock around every call but those of
/// Notifier. So a device is entered once at a time, and what it does itself, it does in threads
/// between start() and stop().
class VirtioDevice {
public:
    VirtioDevice() = default;
    VirtioDevice(const VirtioDevice&) = delete;
    VirtioDevice& operator=(const VirtioDevice&) = delete;
    virtual ~VirtioDevice() = default;

    [[nodiscard]] virtual DeviceId id() const noexcept = 0;
    /// For messages and names of threads: "disk0".
    [[nodiscard]] virtual const char* name() const noexcept = 0;
    /// Bits 0 to 23 and 50 on: the device's own. The same at all times.
    [[nodiscard]] virtual std::uint64_t features() const noexcept = 0;
    /// Which of the transport's bits it can serve, of those that concern the rings. The same at all
    /// times.
    [[nodiscard]] virtual std::uint64_t ring_features() const noexcept { return ~std::uint64_t{0}; }
    /// The largest size of each queue, a power of two. The same at all times.
    [[nodiscard]] virtual std::vector<std::uint16_t> queue_sizes() const = 0;

    /// The configuration space from `offset` on, into `to`, which is zeros: where the space has
    /// ended, it stays so.
    virtual void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept = 0;
    virtual void write_config(std::uint64_t /*offset*/, std::span<const std::byte>) noexcept {}

    /// DRIVER_OK: `features` is what both sides agree on, device and transport bits alike; the
    /// queues are those that are ready. The notifier lives until stop(). May throw Error for what
    /// the host refuses; the device then needs a reset.
    virtual void start(std::uint64_t features, std::vector<ActiveQueue> queues,
                       Notifier& notifier) = 0;
    /// Reset, or the end: returns when nothing of the device touches queues or guest memory any
    /// more; requests in flight are finished or dropped. Harmless without start().
    virtual void stop() noexcept = 0;
};

/// Serves what waits in `active` in the thread that its kick has woken: calls
/// `handle(Chain&)`, which returns how many bytes it wrote, for each chain, gives it back and
/// interrupts. After a queue's length it kicks itself and returns, so that whoever waits for the
/// thread is not kept by a driver that never stops. False: the queue is broken and was reported.
template <class Handle>
bool serve(ActiveQueue& active, Chain& chain, Notifier& notifier, Handle handle)
{
    (void)active.kick->drain();
    Queue& queue = active.queue;
    queue.suppress_kicks();
    for (unsigned served = 0; served < queue.size(); ++served) {
        switch (queue.pop(chain)) {
        case Queue::Popped::Broken: notifier.needs_reset(queue.trouble()); return false;
        case Queue::Popped::Empty:
            if (!queue.expect_kicks())
                return true;
            queue.suppress_kicks();
            break;
        case Queue::Popped::Chain:
            queue.push(chain.head, handle(chain));
            if (queue.wants_interrupt())
                notifier.used_buffers();
            break;
        }
    }
    active.kick->signal();
    return true;
}

}  // namespace gh::virtio
