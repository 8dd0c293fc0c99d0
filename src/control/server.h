// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/listener.h"
#include "base/poller.h"
#include "control/connection.h"
#include "control/place.h"
#include "control/protocol.h"

#include <map>
#include <memory>
#include <string>

namespace gh::control {

/// The VM as those see it who control it. Called in the server's thread.
class Target {
public:
    virtual ~Target() = default;

    [[nodiscard]] virtual Status status() = 0;
    /// Does, or begins to do, what is asked; why not, or an empty text.
    [[nodiscard]] virtual std::string obey(const Request& request) = 0;
};

/// Listens at one socket and answers whoever runs as our user, or root. Clients are hostile: they
/// may send garbage and halves, never read, and come in hundreds; each has a bounded buffer, and
/// none can make the VM wait. Belongs to the poller's thread.
class Server {
public:
    enum class Kind { Lines, Packets };  // SOCK_STREAM; SOCK_SEQPACKET, as crosvm's clients want

    /// Claims `path` and listens there. All must outlive it. Throws Error.
    Server(Poller& poller, Target& target, const std::string& path, Kind kind);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// A line, without its end, for everybody who asked for events. Who does not read is left
    /// behind: his connection is closed.
    void publish(const std::string& line);

private:
    void accept();
    void make_room();
    void ready(int fd, std::uint32_t events);
    void answer(Connection& connection, const std::string& message);
    void sweep();

    Poller& poller_;
    Target& target_;
    std::string path_;
    Kind kind_;
    Claim claim_;
    Listener listener_;
    std::map<int, Connection> connections_;
    std::uint64_t accepted_ = 0;
    bool serving_ = false;
};

}  // namespace gh::control
