// SPDX-License-Identifier: BSD-3-Clause
#include "devices/serial_link.h"

#include "base/error.h"
#include "base/log.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace gh {
namespace {

// Above the first the guest is asked to wait; a guest that does not care loses bytes at the second.
constexpr std::size_t kEnough = 64 << 10;
constexpr std::size_t kMost = kEnough + SerialHost::kBurst;
// What a late reader still finds of a lossy line.
constexpr std::size_t kScrollback = 16 << 10;
// Small enough that a blocking write to something that polled writable does not wait.
constexpr std::size_t kWrite = 4096;
constexpr std::size_t kRead = 4096;
// While a guest prints, the io thread looks for more so often, and sooner for so many bytes.
constexpr std::chrono::milliseconds kLookAgain{1};
constexpr std::size_t kWorthwhile = kWrite;
// What may be typed to a guest that does not listen before nobody looks at the keys any more.
constexpr std::size_t kAhead = 4096;

}  // namespace

SerialLink::SerialLink(Poller& poller, Hooks hooks)
    : poller_(poller), hooks_(std::move(hooks)), look_again_(poller, [this] { serve(); })
{
    poller_.add(wake_.get(), EPOLLIN, [this](std::uint32_t) {
        (void)wake_.drain();
        serve();
    });
}

SerialLink::~SerialLink()
{
    unwatch();
    poller_.remove(wake_.get());
}

bool SerialLink::send(std::span<const std::uint8_t> bytes) noexcept
{
    const std::scoped_lock lock(mutex_);
    sent_.fetch_add(bytes.size(), std::memory_order_relaxed);
    for (const std::uint8_t byte : bytes)
        if (text_ && text_->feed(byte)) {
            text_.reset();
            found_->signal();
        }
    const bool were_few = buffer_.size() < kWorthwhile;
    const auto taken = bytes.first(std::min(bytes.size(), kMost - buffer_.size()));
    buffer_.insert(buffer_.end(), taken.begin(), taken.end());
    forget_oldest();
    if (std::exchange(asleep_, false) || (were_few && buffer_.size() >= kWorthwhile))
        wake_.signal();
    guest_waits_ = buffer_.size() >= kEnough;
    return !guest_waits_;
}

void SerialLink::watch_for(const std::string& text, const EventFd& found)
{
    const std::scoped_lock lock(mutex_);
    text_.emplace(text);
    found_ = &found;
}

void SerialLink::input_wanted() noexcept
{
    if (paused_)
        wake_.signal();
}

void SerialLink::connect(const LinkEnds& ends)
{
    unwatch();
    ends_ = ends;
    output_waits_ = false;
    bool waited = false;
    {
        const std::scoped_lock lock(mutex_);
        lossy_ = ends.lossy || ends.output < 0;
        waited = lossy_ && std::exchange(guest_waits_, false);
        forget_oldest();
    }
    if (waited)
        let_guest_send();
    watch();
    serve();
}

void SerialLink::watch()
{
    const auto handler = [this](std::uint32_t events) { ready(events); };
    if (ends_.input >= 0)
        poller_.add(ends_.input, 0, handler);
    if (ends_.output >= 0 && ends_.output != ends_.input)
        poller_.add(ends_.output, 0, handler);
}

void SerialLink::unwatch()
{
    if (ends_.input >= 0)
        poller_.remove(ends_.input);
    if (ends_.output >= 0 && ends_.output != ends_.input)
        poller_.remove(ends_.output);
    ends_ = {};
}

void SerialLink::rearm()
{
    const std::uint32_t in = reading_ ? std::uint32_t{EPOLLIN} : 0;
    const std::uint32_t out = output_waits_ ? std::uint32_t{EPOLLOUT} : 0;
    const bool same = ends_.input == ends_.output;
    if (ends_.input >= 0)
        poller_.watch(ends_.input, same ? in | out : in);
    if (ends_.output >= 0 && !same)
        poller_.watch(ends_.output, out);
}

void SerialLink::serve()
{
    look_for_room();
    flush();
    rearm();
}

void SerialLink::ready(std::uint32_t events)
{
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && reading_)
        receive();
    serve();
}

void SerialLink::look_for_room()
{
    if (guest_ == nullptr)
        return;
    const std::scoped_lock lock(guest_->door());
    give();
    paused_ = guest_->room() == 0;
    reading_ = hooks_.typed ? ahead_.size() < kAhead : !paused_;
}

/// With the port's door held.
void SerialLink::give()
{
    const auto some = std::span(ahead_).first(std::min(ahead_.size(), guest_->room()));
    if (some.empty())
        return;
    received_.fetch_add(some.size(), std::memory_order_relaxed);
    guest_->receive(some);
    ahead_.erase(ahead_.begin(), ahead_.begin() + static_cast<std::ptrdiff_t>(some.size()));
}

void SerialLink::receive()
{
    std::array<std::uint8_t, kRead> bytes{};
    std::size_t room = kAhead - ahead_.size();
    if (!hooks_.typed) {
        const std::scoped_lock lock(guest_->door());
        room = guest_->room();
    }
    room = std::min(room, bytes.size());
    if (room == 0 || ends_.input < 0)
        return;
    const ssize_t count = ::read(ends_.input, bytes.data(), room);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0)
        return lost(End::Input);
    const std::span typed = std::span(bytes).first(static_cast<std::size_t>(count));
    if (hooks_.typed)
        hooks_.typed(*this, typed);
    else
        to_guest(typed);
}

void SerialLink::to_guest(std::span<const std::uint8_t> bytes)
{
    const std::scoped_lock lock(guest_->door());
    ahead_.insert(ahead_.end(), bytes.begin(), bytes.end());
    give();
}

void SerialLink::break_to_guest()
{
    const std::scoped_lock lock(guest_->door());
    guest_->receive_break();
}

void SerialLink::lost(End end)
{
    if (hooks_.closed)
        return hooks_.closed(*this, end);
    LinkEnds left = ends_;
    (end == End::Input ? left.input : left.output) = -1;
    connect(left);
}

// A bounded number of rounds: a guest that never stops printing must not keep us from its input.
void SerialLink::flush()
{
    output_waits_ = false;
    for (int round = 0; round < 32; ++round) {
        if (ends_.output < 0)
            return;
        // Little that comes meanwhile waits: a guest that prints would be met again at every byte.
        if (!refill(round == 0 ? 1 : kWorthwhile)) {
            if (round > 0)
                look_again_.start(kLookAgain);
            else
                sleep();
            return;
        }
        if (!write_some())
            return;
    }
    wake_.signal();
}

/// Unless something came just now.
void SerialLink::sleep()
{
    const std::scoped_lock lock(mutex_);
    if (buffer_.empty())
        asleep_ = true;
    else
        wake_.signal();
}

// Takes what the guest has sent since, if that is `least` bytes. False: nothing is to be written.
bool SerialLink::refill(std::size_t least)
{
    if (written_ < writing_.size())
        return true;
    writing_.clear();
    written_ = 0;
    bool waited = false;
    {
        const std::scoped_lock lock(mutex_);
        if (buffer_.size() < least)
            return false;
        std::swap(writing_, buffer_);
        waited = std::exchange(guest_waits_, false);
    }
    if (waited)
        let_guest_send();
    return !writing_.empty();
}

/// With mutex_ held.
void SerialLink::forget_oldest()
{
    if (lossy_ && buffer_.size() >= 2 * kScrollback)
        buffer_.erase(buffer_.begin(), buffer_.end() - kScrollback);
}

void SerialLink::let_guest_send()
{
    const std::scoped_lock lock(guest_->door());
    guest_->resume_sending();
}

// False if there is no point in going on for now.
bool SerialLink::write_some()
{
    const std::size_t left = std::min(writing_.size() - written_, kWrite);
    const ssize_t count = ::write(ends_.output, writing_.data() + written_, left);
    if (count >= 0) {
        written_ += static_cast<std::size_t>(count);
        return true;
    }
    if (errno == EINTR)
        return true;
    output_waits_ = errno == EAGAIN;
    if (output_waits_)
        return false;
    if (errno != EPIPE && !hooks_.closed)  // readers may leave
        log(LogLevel::Error,
            "serial line: write: %s; from now on what the guest prints there is lost",
            errno_text(errno).c_str());
    lost(End::Output);
    return false;
}

void SerialLink::drain() noexcept
{
    constexpr int kPatience = 1000;  // milliseconds
    while (ends_.output >= 0 && refill(1)) {
        pollfd writable{.fd = ends_.output, .events = POLLOUT, .revents = 0};
        if (::poll(&writable, 1, kPatience) <= 0)
            return;
        if (!write_some() && !output_waits_)
            return;
    }
}

}  // namespace gh
