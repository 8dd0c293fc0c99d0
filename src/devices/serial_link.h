// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "base/poller.h"
#include "base/timer.h"
#include "devices/serial_line.h"
#include "devices/text_watch.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gh {

/// Where a serial line leads on the host at the moment. -1: nowhere.
struct LinkEnds {
    int input = -1;
    int output = -1;
    /// Without a reader the line goes on and the oldest output is forgotten (a pty, a socket that
    /// nobody has called); else a slow reader slows the guest, as on a real line with handshake.
    bool lossy = false;
};

/// Carries bytes between a port and descriptors: the guest's side only appends to a buffer, the io
/// thread does everything that may wait. The first byte is written at once; what follows within a
/// millisecond goes together, for a guest that prints byte by byte must not cost two threads'
/// switches for each. Input is taken from the host only when the guest has room for it, so that
/// none is lost.
class SerialLink final : public SerialHost {
public:
    enum class End { Input, Output };

    /// Called in the io thread. Both may be empty.
    struct Hooks {
        /// Looks at input first, also where the guest takes none, so that a person can end a guest
        /// that hangs; else it goes to the guest as it comes.
        std::function<void(SerialLink&, std::span<const std::uint8_t>)> typed;
        /// Input ended, or output can never be written again: calls connect() with what is left.
        /// Else the line does without that end.
        std::function<void(SerialLink&, End)> closed;
    };

    SerialLink(Poller& poller, Hooks hooks);
    ~SerialLink() override;

    /// The port to serve; before anything runs.
    void attach(SerialGuest& guest)
    {
        guest_ = &guest;
        wake_.signal();  // what connect() could not begin without it
    }

    /// From now on these are the ends. The descriptors stay the caller's and are closed only after
    /// they were replaced. The io thread's, or before it runs.
    void connect(const LinkEnds& ends);

    /// Signals `found`, which must outlive this, when the guest has sent `text` (not empty) in one
    /// piece, once. Before anything runs.
    void watch_for(const std::string& text, const EventFd& found);

    /// Bytes from and to the guest so far. Any thread.
    [[nodiscard]] std::uint64_t sent() const noexcept { return sent_.load(); }
    [[nodiscard]] std::uint64_t received() const noexcept { return received_.load(); }

    /// Gives bytes (or a break) to the guest, once it has room for them. From `typed` only, and no
    /// more than it was given.
    void to_guest(std::span<const std::uint8_t> bytes);
    void break_to_guest();

    /// Writes what is left, until nobody has taken any for a second. After the io thread.
    void drain() noexcept;

    [[nodiscard]] bool send(std::span<const std::uint8_t> bytes) noexcept override;
    void input_wanted() noexcept override;

private:
    void serve();
    void ready(std::uint32_t events);
    void look_for_room();
    void give();
    void receive();
    void flush();
    void sleep();
    [[nodiscard]] bool write_some();
    [[nodiscard]] bool refill(std::size_t least);
    void forget_oldest();
    void let_guest_send();
    void lost(End end);
    void watch();
    void unwatch();
    void rearm();

    Poller& poller_;
    Hooks hooks_;
    EventFd wake_;
    Timer look_again_;
    SerialGuest* guest_ = nullptr;

    LinkEnds ends_;                    // these are the io thread's
    bool reading_ = false;             // input is watched
    bool output_waits_ = false;        // the last write found no room
    std::vector<std::uint8_t> ahead_;  // typed, and the guest has no room yet
    std::vector<std::uint8_t> writing_;
    std::size_t written_ = 0;

    bool paused_ = true;  // input waits for room; under the port's door

    std::mutex mutex_;  // after the port's door; guards the rest
    std::vector<std::uint8_t> buffer_;
    bool asleep_ = true;  // the io thread does not look into the buffer before it is woken
    bool guest_waits_ = false;
    bool lossy_ = true;
    std::optional<TextWatch> text_;
    const EventFd* found_ = nullptr;

    std::atomic<std::uint64_t> sent_{0};
    std::atomic<std::uint64_t> received_{0};
};

}  // namespace gh
