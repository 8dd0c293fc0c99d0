// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/poller.h"
#include "config/vm.h"
#include "control/server.h"

#include <memory>
#include <string>

namespace gh::machine {

/// The sockets by which a VM is spoken to, as its configuration has them: our own, and the one that
/// understands crosvm's words. The poller's thread alone.
class ControlSockets {
public:
    /// Makes them. Throws Error if one that the configuration names cannot be had; the one by the
    /// VM's name is done without then, with a warning. `poller` and `target` must outlive it.
    ControlSockets(Poller& poller, control::Target& target, const config::Vm& vm);

    /// To all who listen to events.
    void publish(const std::string& line);

private:
    std::unique_ptr<control::Server> own_;
    std::unique_ptr<control::Server> crosvm_;
};

}  // namespace gh::machine
