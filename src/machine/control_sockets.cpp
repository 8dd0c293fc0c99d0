// SPDX-License-Identifier: BSD-3-Clause
#include "machine/control_sockets.h"

#include "base/error.h"
#include "base/log.h"
#include "control/place.h"

namespace gh::machine {

// A socket that nobody named is a convenience: two VMs may bear the same name.
ControlSockets::ControlSockets(Poller& poller, control::Target& target, const config::Vm& vm)
{
    using control::Server;
    if (!vm.control.enabled)
        return;
    if (!vm.control.crosvm_socket.empty())
        crosvm_ = std::make_unique<Server>(poller, target, vm.control.crosvm_socket,
                                           Server::Kind::Packets);
    if (!vm.control.socket.empty()) {
        own_ = std::make_unique<Server>(poller, target, vm.control.socket, Server::Kind::Lines);
        return;
    }
    try {
        control::make_private_folder(control::default_folder());
        own_ = std::make_unique<Server>(poller, target, control::socket_of(vm.name),
                                        Server::Kind::Lines);
    } catch (const Error& error) {
        log(LogLevel::Warn, "no control socket: %s", error.what());
    }
}

void ControlSockets::publish(const std::string& line)
{
    for (const auto* server : {&own_, &crosvm_})
        if (*server)
            (*server)->publish(line);
}

}  // namespace gh::machine
