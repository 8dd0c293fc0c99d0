// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/console_port.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gh::virtio {
namespace {

// After so many pieces the other ports, and whoever waits for the thread or for the port's door,
// have their turn: a buffer need not take anything.
constexpr int kTurn = 64;

}  // namespace

ConsolePort::ConsolePort(Options options, const EventFd& wake)
    : options_(std::move(options)), wake_(wake)
{
    received_.reserve(kBuffer);
    options_.backend->link().attach(*this);
}

void ConsolePort::start(std::optional<ActiveQueue> input, std::optional<ActiveQueue> output,
                        Notifier& notifier)
{
    input_ = input;
    output_ = output;
    notifier_ = &notifier;
}

void ConsolePort::stop() noexcept
{
    input_.reset();
    output_.reset();
    sending_ = false;
    set_open(false);
}

void ConsolePort::set_open(bool open) noexcept
{
    const std::scoped_lock lock(door_);
    open_ = open;
    if (open)
        options_.backend->link().input_wanted();
    else
        received_.clear();
}

// --- the host's side

std::size_t ConsolePort::room() const noexcept
{
    return open_ ? kBuffer - received_.size() : 0;
}

void ConsolePort::receive(std::span<const std::uint8_t> bytes) noexcept
{
    const auto taken = bytes.first(std::min(bytes.size(), room()));
    received_.insert(received_.end(), taken.begin(), taken.end());
    wake_.signal();
}

void ConsolePort::resume_sending() noexcept
{
    host_full_ = false;
    wake_.signal();
}

// --- the guest's

void ConsolePort::serve()
{
    if (input_)
        serve_input();
    if (output_)
        serve_output();
}

/// False: there is none now, and the driver will kick when there is one, or it is broken.
bool ConsolePort::next(ActiveQueue& active, Chain& chain)
{
    do {
        switch (active.queue.pop(chain)) {
        case Queue::Popped::Chain: return true;
        case Queue::Popped::Broken: notifier_->needs_reset(active.queue.trouble()); return false;
        case Queue::Popped::Empty: break;
        }
    } while (active.queue.expect_kicks());
    return false;
}

void ConsolePort::finish(ActiveQueue& active, const Chain& chain, std::uint32_t written)
{
    active.queue.push(chain.head, written);
    if (active.queue.wants_interrupt())
        notifier_->used_buffers();
}

void ConsolePort::serve_input()
{
    (void)input_->kick->drain();
    const std::scoped_lock lock(door_);
    if (received_.empty())
        return;
    std::size_t done = 0;
    int turn = 0;
    for (; turn < kTurn && done < received_.size() && next(*input_, input_chain_); ++turn) {
        const auto left = std::as_bytes(std::span(received_).subspan(done));
        const auto part = left.first(static_cast<std::size_t>(
            std::min<std::uint64_t>(left.size(), input_chain_.writable.size())));
        GH_CHECK(input_chain_.writable.write(0, part));
        done += part.size();
        finish(*input_, input_chain_, static_cast<std::uint32_t>(part.size()));
    }
    received_.erase(received_.begin(), received_.begin() + static_cast<std::ptrdiff_t>(done));
    if (received_.empty())
        options_.backend->link().input_wanted();
    else if (turn == kTurn)
        input_->kick->signal();
}

void ConsolePort::serve_output()
{
    (void)output_->kick->drain();
    output_->queue.suppress_kicks();
    for (int turn = 0; turn < kTurn; ++turn) {
        {
            const std::scoped_lock lock(door_);
            if (host_full_)
                return;  // resume_sending() brings us back
        }
        if (!sending_) {
            if (!next(*output_, output_chain_))
                return;
            sending_ = true;
            sent_ = 0;
        }
        send_some();
    }
    output_->kick->signal();
}

void ConsolePort::send_some()
{
    std::array<std::uint8_t, SerialHost::kBurst> bytes{};
    const std::uint64_t left = output_chain_.readable.size() - sent_;
    const auto part = std::span(bytes).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(left, bytes.size())));
    GH_CHECK(output_chain_.readable.read(sent_, std::as_writable_bytes(part)));
    sent_ += part.size();
    if (!part.empty()) {
        const std::scoped_lock lock(door_);
        host_full_ = !options_.backend->link().send(part);
    }
    if (sent_ == output_chain_.readable.size()) {
        sending_ = false;
        finish(*output_, output_chain_, 0);
    }
}

}  // namespace gh::virtio
