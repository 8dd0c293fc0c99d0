// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/message_queue.h"

#include <algorithm>
#include <utility>

namespace gh::hyp {
namespace {

constexpr std::uint32_t kUnchanged = ~std::uint32_t{0};  // threshold or delay: -1
constexpr std::uint32_t kMaximum = kUnchanged - 1;       // threshold: -2

}  // namespace

bool MessageQueue::ready() const
{
    return config_.guest_sends ? messages_.size() <= not_full_ : messages_.size() >= not_empty_;
}

/// The level goes when what held it is gone; it comes by assertions alone.
void MessageQueue::settle()
{
    if (!ready())
        drop_interrupt();
}

/// After a change of the threshold.
void MessageQueue::decide()
{
    if (ready())
        assert_interrupt();
    else
        drop_interrupt();
}

void MessageQueue::push_back(std::vector<std::byte> message, bool push)
{
    messages_.push_back(std::move(message));
    if (config_.guest_sends)
        settle();
    else if (push || messages_.size() == not_empty_)
        assert_interrupt();
}

void MessageQueue::pop_front()
{
    messages_.pop_front();
    if (!config_.guest_sends)
        settle();
    else if (messages_.size() == not_full_)
        assert_interrupt();
}

MessageQueue::Sent MessageQueue::send(std::uint64_t size, const GuestAccess& memory,
                                      std::uint64_t va, bool push)
{
    const std::scoped_lock lock(mutex_);
    if (full())
        return {kQueueFull};
    if (size == 0 || size > config_.message_size)
        return {kArgumentSize};
    std::vector<std::byte> message(size);
    if (const CallError error = memory.read(va, message); error != kOk)
        return {error};
    push_back(std::move(message), push);
    return {kOk, !full()};
}

MessageQueue::Received MessageQueue::receive(const GuestAccess& memory, std::uint64_t va,
                                             std::uint64_t max_size)
{
    const std::scoped_lock lock(mutex_);
    if (messages_.empty())
        return {kQueueEmpty};
    const std::vector<std::byte>& message = messages_.front();
    const std::size_t size = message.size();
    const CallError error = size > max_size ? kArgumentSize : memory.write(va, message);
    if (error != kOk)
        return {error, 0, true};
    pop_front();
    return {kOk, size, !messages_.empty()};
}

void MessageQueue::flush()
{
    const std::scoped_lock lock(mutex_);
    if (messages_.empty())
        return;
    messages_.clear();
    if (config_.guest_sends)
        assert_interrupt();
    else
        drop_interrupt();
}

CallError MessageQueue::configure_send(std::uint32_t threshold, std::uint32_t delay)
{
    if (delay != kUnchanged)
        return kUnimplemented;
    if (threshold == kUnchanged)
        return kOk;
    if (threshold >= config_.depth)
        return kArgumentInvalid;
    const std::scoped_lock lock(mutex_);
    not_full_ = threshold;
    decide();
    return kOk;
}

CallError MessageQueue::configure_receive(std::uint32_t threshold, std::uint32_t delay)
{
    if (delay != kUnchanged)
        return kUnimplemented;
    if (threshold == kUnchanged)
        return kOk;
    if (threshold == 0 || (threshold > config_.depth && threshold != kMaximum))
        return kArgumentInvalid;
    const std::scoped_lock lock(mutex_);
    not_empty_ = std::min<std::size_t>(threshold, config_.depth);
    if (threshold != kMaximum)  // which changes no interrupt that is there
        decide();
    return kOk;
}

bool MessageQueue::post(std::span<const std::byte> message)
{
    const std::scoped_lock lock(mutex_);
    if (full() || message.size() > config_.message_size)
        return false;
    push_back({message.begin(), message.end()}, false);
    return true;
}

std::optional<std::size_t> MessageQueue::take(std::span<std::byte> to)
{
    const std::scoped_lock lock(mutex_);
    if (messages_.empty() || messages_.front().size() > to.size())
        return std::nullopt;
    const std::size_t size = messages_.front().size();
    std::copy(messages_.front().begin(), messages_.front().end(), to.begin());
    pop_front();
    return size;
}

}  // namespace gh::hyp
