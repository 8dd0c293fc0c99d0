// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/queue.h"

#include "base/bits.h"

#include <atomic>
#include <bit>
#include <cstring>

namespace gh::virtio {
namespace {

static_assert(std::endian::native == std::endian::little, "rings are little-endian");

// virtio 1.2, 2.7.5 to 2.7.8
constexpr std::uint16_t kDescriptorNext = 1;
constexpr std::uint16_t kDescriptorWrite = 2;
constexpr std::uint16_t kDescriptorIndirect = 4;
constexpr std::uint16_t kAvailNoInterrupt = 1;
constexpr std::uint16_t kUsedNoNotify = 1;
constexpr std::uint64_t kDescriptorSize = 16;
constexpr std::uint64_t kRingFlags = 0;
constexpr std::uint64_t kRingIndex = 2;
constexpr std::uint64_t kRingEntries = 4;
constexpr std::uint64_t kAvailableEntry = 2;
constexpr std::uint64_t kUsedEntry = 8;
constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 32;  // 2.7.5.2

std::atomic_ref<std::uint16_t> half(std::byte* at)
{
    return std::atomic_ref(*reinterpret_cast<std::uint16_t*>(at));
}

std::atomic_ref<std::uint32_t> word(std::byte* at)
{
    return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(at));
}

/// The fence keeps the compiler from reading again what the guest may have changed meanwhile.
template <class T>
T read_once(const std::byte* at)
{
    T value;
    std::memcpy(&value, at, sizeof value);
    std::atomic_signal_fence(std::memory_order_acq_rel);
    return value;
}

/// Nobody else writes to it.
void count(std::atomic<std::uint64_t>& counter, std::uint64_t bytes)
{
    counter.store(counter.load(std::memory_order_relaxed) + bytes, std::memory_order_relaxed);
}

std::uint64_t available_size(std::uint16_t size)
{
    return kRingEntries + kAvailableEntry * size + 2;
}

std::uint64_t used_size(std::uint16_t size)
{
    return kRingEntries + kUsedEntry * size + 2;
}

}  // namespace

std::optional<Queue> Queue::open(const DmaMemory& memory, const QueueSetup& setup, Traffic* traffic)
{
    if (!std::has_single_bit(setup.size) || !is_aligned(raw(setup.descriptors), 16) ||
        !is_aligned(raw(setup.available), 2) || !is_aligned(raw(setup.used), 4))
        return std::nullopt;
    const auto descriptors = memory.readable(setup.descriptors, kDescriptorSize * setup.size);
    const auto available = memory.readable(setup.available, available_size(setup.size));
    const auto used = memory.writable(setup.used, used_size(setup.size));
    if (!descriptors || !available || !used)
        return std::nullopt;
    Queue queue(memory, setup, traffic);
    queue.descriptors_ = descriptors->data();
    queue.available_ = available->data();
    queue.used_ = used->data();
    return queue;
}

bool Queue::broken(const char* why) noexcept
{
    trouble_ = why;
    return false;
}

std::uint16_t Queue::available_index() const noexcept
{
    return half(available_ + kRingIndex).load(std::memory_order_acquire);
}

void Queue::resume() noexcept
{
    next_used_ = half(used_ + kRingIndex).load(std::memory_order_relaxed);
    next_available_ = next_used_;
    told_used_ = next_used_;
}

Queue::Popped Queue::pop(Chain& chain)
{
    if (trouble_ != nullptr)
        return Popped::Broken;
    const auto waiting = static_cast<std::uint16_t>(available_index() - next_available_);
    if (waiting == 0)
        return Popped::Empty;
    if (waiting > setup_.size) {
        trouble_ = "more chains are available than the queue has descriptors";
        return Popped::Broken;
    }
    const std::uint64_t slot = next_available_ & (setup_.size - 1u);
    const std::uint16_t head =
        half(available_ + kRingEntries + kAvailableEntry * slot).load(std::memory_order_relaxed);
    chain.clear();
    chain.head = head;
    links_ = 0;
    if (!collect({descriptors_, setup_.size, false}, head, chain))
        return Popped::Broken;
    ++next_available_;
    if (traffic_ != nullptr)
        count(traffic_->sent, chain.readable.size());
    return Popped::Chain;
}

bool Queue::collect(const Table& table, std::uint32_t first, Chain& chain)
{
    std::uint32_t index = first;
    for (std::uint32_t seen = 0;; ++seen) {
        if (index >= table.count)
            return broken("a descriptor's number is beyond its table");
        if (seen == table.count || links_ == kMaxChain)
            return broken("a chain of descriptors is endless or too long");
        ++links_;
        const auto descriptor = read_once<Descriptor>(table.entries + kDescriptorSize * index);
        if ((descriptor.flags & kDescriptorIndirect) != 0) {
            if (table.is_indirect)
                return broken("an indirect table leads to another");
            return collect_indirect(descriptor, chain);
        }
        if (!add(descriptor, chain))
            return false;
        if ((descriptor.flags & kDescriptorNext) == 0)
            return true;
        index = descriptor.next;
    }
}

// virtio 1.2, 2.7.5.3: the write flag of the descriptor that leads there means nothing.
bool Queue::collect_indirect(const Descriptor& outer, Chain& chain)
{
    if (!setup_.indirect)
        return broken("an indirect table, which was not agreed on");
    if ((outer.flags & kDescriptorNext) != 0)
        return broken("a descriptor has both an indirect table and a successor");
    if (outer.length == 0 || outer.length % kDescriptorSize != 0)
        return broken("an indirect table's length is no multiple of 16");
    const auto table = memory_->readable(Gpa{outer.address}, outer.length);
    if (!table)
        return broken("an indirect table lies where the host has no memory");
    const auto count = static_cast<std::uint32_t>(outer.length / kDescriptorSize);
    return collect({table->data(), count, true}, 0, chain);
}

bool Queue::add(const Descriptor& descriptor, Chain& chain)
{
    const bool writes = (descriptor.flags & kDescriptorWrite) != 0;
    if (descriptor.length == 0)
        return broken("a descriptor of no bytes");
    if (!writes && !chain.writable.empty())
        return broken("a readable descriptor follows a writable one");
    if (chain.readable.size() + chain.writable.size() + descriptor.length > kMaxBytes)
        return broken("a chain of more than 4 GiB");
    const auto bytes = writes ? memory_->writable(Gpa{descriptor.address}, descriptor.length)
                              : memory_->readable(Gpa{descriptor.address}, descriptor.length);
    if (!bytes)
        return broken("a descriptor names memory that the host does not have or has lent");
    (writes ? chain.writable : chain.readable).append(*bytes);
    return true;
}

void Queue::fill(std::uint16_t head, std::uint32_t written) noexcept
{
    const std::uint64_t slot = next_used_ & (setup_.size - 1u);
    std::byte* const entry = used_ + kRingEntries + kUsedEntry * slot;
    word(entry).store(head, std::memory_order_relaxed);
    word(entry + 4).store(written, std::memory_order_relaxed);
    ++next_used_;
    if (traffic_ != nullptr)
        count(traffic_->received, written);
}

void Queue::publish() noexcept
{
    half(used_ + kRingIndex).store(next_used_, std::memory_order_release);
}

// The used index must be seen before we look at what the driver wants (2.7.7.2, 2.7.10).
bool Queue::wants_interrupt() noexcept
{
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const std::uint16_t told = told_used_;
    told_used_ = next_used_;
    if (told == next_used_)
        return false;
    if (!setup_.event_index)
        return (half(available_ + kRingFlags).load(std::memory_order_relaxed) &
                kAvailNoInterrupt) == 0;
    const std::uint16_t event = half(available_ + kRingEntries + kAvailableEntry * setup_.size)
                                    .load(std::memory_order_relaxed);
    return static_cast<std::uint16_t>(next_used_ - event - 1) <
           static_cast<std::uint16_t>(next_used_ - told);
}

// With event indices the one written last says it: the driver has passed it.
void Queue::suppress_kicks() noexcept
{
    if (!setup_.event_index)
        half(used_ + kRingFlags).store(kUsedNoNotify, std::memory_order_relaxed);
}

bool Queue::expect_kicks() noexcept
{
    if (setup_.event_index)
        half(used_ + kRingEntries + kUsedEntry * setup_.size)
            .store(next_available_, std::memory_order_relaxed);
    else
        half(used_ + kRingFlags).store(0, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return available_index() != next_available_;
}

}  // namespace gh::virtio
