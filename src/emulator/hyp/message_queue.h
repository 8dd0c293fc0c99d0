// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/gic.h"
#include "emulator/hyp/guest_access.h"
#include "emulator/hyp/vm.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace gh::hyp {

/// A message queue with a guest at one end and the VM's owner at the other. The guest's end has an
/// interrupt: "not full" for a sender, "not empty" for a receiver. Behaves as the hypervisor's
/// (hyp/ipc/msgqueue in its source), but where copying a message fails says so, as later ones do:
/// that of 12/2023 answers kOk. Any thread.
class MessageQueue {
public:
    MessageQueue(const MessageQueueConfig& config, Gic& gic) : config_(config), gic_(gic) {}

    struct Sent {
        CallError error = kOk;
        bool not_full = false;
    };
    struct Received {
        CallError error = kOk;
        std::size_t size = 0;
        bool not_empty = false;
    };

    // The guest's end; `va` is the guest's. A full queue is said before anything that is wrong
    // with the message.
    Sent send(std::uint64_t size, const GuestAccess& memory, std::uint64_t va, bool push);
    Received receive(const GuestAccess& memory, std::uint64_t va, std::uint64_t max_size);
    void flush();
    /// Thresholds of the interrupt, and its delay, of which there is none to be had.
    CallError configure_send(std::uint32_t threshold, std::uint32_t delay);
    CallError configure_receive(std::uint32_t threshold, std::uint32_t delay);

    // The owner's.
    /// False: the queue is full, or the message longer than it may be.
    bool post(std::span<const std::byte> message);
    /// The oldest message, if there is one and it fits into `to`: its size.
    std::optional<std::size_t> take(std::span<std::byte> to);

private:
    [[nodiscard]] bool full() const { return messages_.size() == config_.depth; }
    /// What holds the interrupt's level.
    [[nodiscard]] bool ready() const;
    void push_back(std::vector<std::byte> message, bool push);
    void pop_front();
    void assert_interrupt() { gic_.ring_spi(config_.intid, ready()); }
    void drop_interrupt() { gic_.set_spi(config_.intid, false); }
    void settle();
    void decide();

    MessageQueueConfig config_;
    Gic& gic_;
    std::mutex mutex_;  // before the GIC's
    std::deque<std::vector<std::byte>> messages_;
    std::size_t not_full_ = config_.depth - 1;
    std::size_t not_empty_ = 1;
};

}  // namespace gh::hyp
