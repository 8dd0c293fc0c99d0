// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/mmio_transport.h"
#include "driver.h"

#include <deque>
#include <thread>

#include <doctest/doctest.h>

namespace gh::virtio {

/// A driver that has brought up a device behind its transport, with a ring of eight for each queue.
class TransportDriver {
public:
    static constexpr std::uint16_t kRing = 8;
    /// The first byte that no ring uses.
    static constexpr std::uint64_t kFree = Ram::kBase + 0x1'0000;

    TransportDriver(VirtioDevice& device, const Ram& ram, std::uint64_t refused_features = 0)
        : ram_(ram), transport_(device, ram.memory(), {})
    {
        out(0x70, 3);
        const std::uint64_t features = device.features() & ~refused_features;
        out(0x20, features & 0xffff'ffff);
        out(0x24, 1);
        out(0x20, 1);
        out(0x70, 11);
        const auto queues = static_cast<unsigned>(device.queue_sizes().size());
        for (unsigned queue = 0; queue < queues; ++queue)
            set_up(queue);
        out(0x70, 15);
        REQUIRE(in(0x70) == 15);
    }

    [[nodiscard]] Ring& ring(unsigned queue) { return rings_[queue]; }
    [[nodiscard]] MmioTransport& transport() { return transport_; }
    [[nodiscard]] std::uint32_t in(std::uint64_t offset)
    {
        const std::scoped_lock lock(transport_.door());
        return static_cast<std::uint32_t>(transport_.read({.offset = offset, .size = 4}));
    }
    void out(std::uint64_t offset, std::uint64_t value)
    {
        const std::scoped_lock lock(transport_.door());
        transport_.write({.offset = offset, .size = 4}, value);
    }
    void reset() { out(0x70, 0); }
    [[nodiscard]] bool is_broken() { return (in(0x70) & 64) != 0; }

    /// Offers the chain that begins at `head` and kicks.
    void offer(unsigned queue, std::uint16_t head)
    {
        ring(queue).offer(head);
        out(0x50, queue);
    }
    /// Offers one buffer, which is the descriptor of the same number.
    void offer_buffer(unsigned queue, std::uint16_t head, std::uint64_t at, std::uint32_t size,
                      bool writable)
    {
        ring(queue).describe(head, at, size, writable ? kWrite : std::uint16_t{0});
        offer(queue, head);
    }
    /// Waits until so many chains of the queue were given back in all; how long the last one is.
    std::uint32_t wait(unsigned queue, std::uint16_t used)
    {
        while (ring(queue).used_index() < used && !is_broken())
            std::this_thread::yield();
        REQUIRE(!is_broken());
        return ring(queue).used_length((used - 1u) % kRing);
    }
    void wait_until_broken()
    {
        while (!is_broken())
            std::this_thread::yield();
    }

private:
    void set_up(unsigned queue)
    {
        const Ring& ring = rings_.emplace_back(ram_, kRing, Ram::kBase + queue * 0x200u);
        out(0x30, queue);
        out(0x38, kRing);
        out(0x80, ring.descriptors());
        out(0x90, ring.available());
        out(0xa0, ring.used());
        out(0x44, 1);
        REQUIRE(in(0x44) == 1);
    }

    const Ram& ram_;
    std::deque<Ring> rings_;
    MmioTransport transport_;
};

}  // namespace gh::virtio
