// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "base/listener.h"
#include "emulator/gdb/session.h"

#include <memory>
#include <string>
#include <thread>

namespace gh::gdb {

/// Waits for GDB at a socket, one at a time, and talks to it in a thread of its own. A connection
/// that breaks lets the VM go, as `detach` does.
class Server {
public:
    /// `where`: a number is a TCP port on 127.0.0.1 (0: any that is free), all else the path of a
    /// unix socket, which goes with the server. Throws Error.
    Server(const std::string& where, std::shared_ptr<hyp::Debugger> debugger, MachineHooks hooks);
    /// Ends the conversation; a VM that stands goes on.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// What GDB's `target remote` takes: "127.0.0.1:1234", or the path.
    [[nodiscard]] const std::string& address() const noexcept { return address_; }

private:
    [[nodiscard]] Fd listen(const std::string& where);
    void serve();
    void talk(const Fd& client);

    std::shared_ptr<hyp::Debugger> debugger_;
    MachineHooks hooks_;
    std::string address_;
    std::string path_;  // of the socket to remove; empty: none
    Listener listener_;
    EventFd stop_;
    std::jthread thread_;
};

}  // namespace gh::gdb
