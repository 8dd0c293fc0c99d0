// SPDX-License-Identifier: BSD-3-Clause
// What the kernel's files answer otherwise than the memfds that stand for them (gunyah-uapi.md 2.0,
// golden/README.md 01.4 to 01.6).
#include "emulator/serve/server.h"

#include <cerrno>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::serve {

/// noop_llseek.
Server::Verdict Server::seek(const Call& call)
{
    return {true, 0, call.arguments[2] > SEEK_HOLE ? EINVAL : 0};
}

Server::Verdict Server::map(const StandIn& object, const Call& call)
{
    const auto protection = static_cast<int>(call.arguments[2]);
    const bool is_private = (call.arguments[3] & MAP_TYPE) == MAP_PRIVATE;
    switch (object.kind) {
    case Kind::Device:
    case Kind::Vm: return {true, 0, ENODEV};
    case Kind::Vcpu: return {(protection & PROT_EXEC) != 0, 0, EPERM};
    case Kind::GuestMemory: return {is_private, 0, EINVAL};
    }
    return {};
}

Server::Verdict Server::allocate(const StandIn& object, const Call& call)
{
    if (call.number == SYS_ftruncate)
        return {true, 0, object.kind == Kind::GuestMemory ? EOPNOTSUPP : EINVAL};
    return {object.kind != Kind::GuestMemory, 0, ENODEV};
}

}  // namespace gh::serve
