// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace gh::control {

/// One client of a server: what it has sent and not been answered, what it was sent and has not
/// read, both bounded. A connection that is over says so; who owns it closes it.
class Connection {
public:
    Connection(Fd fd, bool packets, std::uint64_t age)
        : fd_(std::move(fd)), packets_(packets), age_(age)
    {
    }

    /// Takes what the client sent, once.
    void receive();
    /// Writes what waits.
    void flush();
    /// The next whole message, while nothing waits to be written: so who does not read its answers
    /// is not given more.
    [[nodiscard]] std::optional<std::string> next_message();
    /// A line, or a packet.
    void send(const std::string& message);
    /// Writes what it can of `message` and is over.
    void dismiss(const std::string& message);

    [[nodiscard]] const Fd& fd() const noexcept { return fd_; }
    void stream_events() noexcept { streams_ = true; }
    [[nodiscard]] bool streams() const noexcept { return streams_; }
    [[nodiscard]] bool over() const noexcept { return over_; }
    [[nodiscard]] bool waits_to_write() const noexcept { return !output_.empty(); }
    [[nodiscard]] std::uint64_t age() const noexcept { return age_; }  // lower: came earlier

private:
    void receive_packet();

    Fd fd_;
    bool packets_;
    std::uint64_t age_;
    std::string input_;
    std::string output_;
    bool bare_ = false;  // the last message had no line feed, so its answer gets none
    bool streams_ = false;
    bool over_ = false;
};

}  // namespace gh::control
