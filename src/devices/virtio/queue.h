// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/chain.h"
#include "devices/virtio/dma_memory.h"

#include <atomic>
#include <cstdint>
#include <optional>

namespace gh::virtio {

/// Where a driver has put a queue, and what it has agreed to.
struct QueueSetup {
    std::uint16_t size = 0;  // descriptors; a power of two
    Gpa descriptors{};
    Gpa available{};
    Gpa used{};
    bool indirect = false;     // VIRTIO_F_INDIRECT_DESC
    bool event_index = false;  // VIRTIO_F_EVENT_IDX
};

/// Bytes of the chains that went through a queue, headers included. The queue's thread counts, any
/// thread reads.
struct Traffic {
    std::atomic<std::uint64_t> sent{0};      // by the driver
    std::atomic<std::uint64_t> received{0};  // by the driver
};

/// The device's side of a split virtqueue (virtio 1.2, 2.7). Everything in guest memory is hostile:
/// each field is read once, checked, and used from our copy. One thread at a time.
class Queue {
public:
    enum class Popped {
        Chain,   // here is one
        Empty,   // nothing more at the moment
        Broken,  // the driver broke a rule, and the queue works no more: see trouble()
    };

    /// The longest chain, also where an indirect table is longer than the queue (as Linux's may
    /// be). What Linux takes in one preadv(2).
    static constexpr unsigned kMaxChain = 1024;

    /// Nothing if the size is none, a ring is not aligned, or does not lie in `memory`. That and
    /// `traffic`, if anybody wants to know, must outlive the queue.
    [[nodiscard]] static std::optional<Queue> open(const DmaMemory& memory, const QueueSetup& setup,
                                                   Traffic* traffic = nullptr);

    /// Goes on where another device, which is gone, left the queue, as if it had given chains back
    /// in their order alone.
    void resume() noexcept;

    /// The next chain that the driver has made available.
    [[nodiscard]] Popped pop(Chain& chain);

    /// Gives a chain back, `written` bytes of which the device has written from the beginning of
    /// what it may write. In any order.
    void push(std::uint16_t head, std::uint32_t written) noexcept
    {
        fill(head, written);
        publish();
    }
    /// push() in two steps, for several chains that the driver must find at once.
    void fill(std::uint16_t head, std::uint32_t written) noexcept;
    void publish() noexcept;

    /// Whether the driver wants to be interrupted for what was pushed since the last call.
    [[nodiscard]] bool wants_interrupt() noexcept;

    /// The driver need not kick from now on: the device looks by itself. A hint.
    void suppress_kicks() noexcept;
    /// From now on the driver kicks for the next chain. True if there already is one, for which it
    /// may not have: look again.
    [[nodiscard]] bool expect_kicks() noexcept;

    [[nodiscard]] std::uint16_t size() const noexcept { return setup_.size; }
    [[nodiscard]] const QueueSetup& setup() const noexcept { return setup_; }
    /// Which rule the driver broke, in words; only after Popped::Broken.
    [[nodiscard]] const char* trouble() const noexcept { return trouble_; }

private:
    struct Descriptor {
        std::uint64_t address;
        std::uint32_t length;
        std::uint16_t flags;
        std::uint16_t next;
    };
    struct Table {
        const std::byte* entries;
        std::uint32_t count;
        bool is_indirect;
    };

    Queue(const DmaMemory& memory, const QueueSetup& setup, Traffic* traffic)
        : memory_(&memory), setup_(setup), traffic_(traffic)
    {
    }

    [[nodiscard]] bool collect(const Table& table, std::uint32_t first, Chain& chain);
    [[nodiscard]] bool collect_indirect(const Descriptor& outer, Chain& chain);
    [[nodiscard]] bool add(const Descriptor& descriptor, Chain& chain);
    [[nodiscard]] bool broken(const char* why) noexcept;
    [[nodiscard]] std::uint16_t available_index() const noexcept;

    const DmaMemory* memory_;
    QueueSetup setup_;
    Traffic* traffic_;
    std::byte* descriptors_ = nullptr;
    std::byte* available_ = nullptr;
    std::byte* used_ = nullptr;
    std::uint16_t next_available_ = 0;
    std::uint16_t next_used_ = 0;
    std::uint16_t told_used_ = 0;  // next_used_ when wants_interrupt() was last asked
    unsigned links_ = 0;           // descriptors of the chain that is being collected
    const char* trouble_ = nullptr;
};

}  // namespace gh::virtio
