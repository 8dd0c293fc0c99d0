// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/listener.h"
#include "base/poller.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace gh::virtio {

/// Programs of the host's that have called and not yet said which port of the guest's they want, as
/// firecracker has them say it: "CONNECT PORT\n". Who says something else, or goes, is forgotten.
/// The poller's thread alone; nothing in it blocks.
class VsockCallers {
public:
    /// Listens at `listener` by `poller`; both must outlive it, but for the poller of a thread that
    /// has ended. `has_room`: whether one more may come, else he is refused. `connect`: has said
    /// his port, and all that he says from there on is the guest's.
    VsockCallers(Listener& listener, Poller& poller, std::function<bool()> has_room,
                 std::function<void(Fd socket, std::uint32_t port)> connect);
    VsockCallers(const VsockCallers&) = delete;
    VsockCallers& operator=(const VsockCallers&) = delete;

    [[nodiscard]] std::size_t size() const noexcept { return callers_.size(); }

private:
    struct Caller {
        Fd socket;
        std::string line;
    };

    void take();
    void ready(int fd);
    [[nodiscard]] bool hear(Caller& caller);
    void forget(int fd);

    Listener& listener_;
    Poller& poller_;
    std::function<bool()> has_room_;
    std::function<void(Fd socket, std::uint32_t port)> connect_;
    std::map<int, Caller> callers_;
};

}  // namespace gh::virtio
