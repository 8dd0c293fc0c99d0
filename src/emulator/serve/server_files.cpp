// SPDX-License-Identifier: BSD-3-Clause
// What the kernel's files answer otherwise than the memfds that stand for them (gunyah-uapi.md 2.0,
// golden/README.md 01.4 to 01.6).
#include "emulator/driver/guest_memory.h"
#include "emulator/serve/borrowed_thread.h"
#include "emulator/serve/server.h"

#include <cerrno>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::serve {

driver::GuestMemory* guest_memory(gunyah::File* file) noexcept
{
    auto* const of_memory = dynamic_cast<driver::GuestMemoryFile*>(file);
    return of_memory != nullptr ? &of_memory->memory() : nullptr;
}

/// The kernel's driver ends a VM within the last close, and its client may rely on that: lent
/// memory is back when close returns. False: no descriptor of ours, and nothing was done.
bool Server::close(const Call& call)
{
    const Object object = object_of(call);
    if (!object || object->kind == Kind::Device)
        return false;
    // Without a thread the kernel closes it, and the VM ends a little later.
    return closer_.add([this, call] { close_now(call); });
}

void Server::close_now(const Call& call)
{
    Conversation conversation(listener_, call);
    BorrowedThread borrowed(conversation);
    if (borrowed.error() != 0) {
        listener_.let_through(call);
        return;
    }
    const long closed = borrowed.call(SYS_close, {call.arguments[0]});
    // The kernel lets go of the file on the way out of the call: another one makes sure of that.
    (void)borrowed.call(SYS_getpid, {});
    bury_closed();
    await_burials();
    borrowed.conclude(closed);
}

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
    case Kind::GuestMemory: break;
    }
    const auto file = object.file();
    auto* const memory = guest_memory(file.get());
    const int error = is_private || memory == nullptr
                          ? EINVAL
                          : memory->prepare_map({call.arguments[5], call.arguments[1]});
    return {error != 0, 0, error};
}

Server::Verdict Server::allocate(const StandIn& object, const Call& call)
{
    const bool truncates = call.number == SYS_ftruncate;
    const auto file = object.file();
    auto* const memory = guest_memory(file.get());
    if (memory == nullptr)
        return {true, 0, truncates ? EINVAL : ENODEV};
    if (truncates)
        return {true, 0, EOPNOTSUPP};
    const auto mode = static_cast<int>(call.arguments[1]);
    return {true, 0, memory->allocate(mode, call.arguments[2], call.arguments[3])};
}

}  // namespace gh::serve
