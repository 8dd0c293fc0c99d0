// SPDX-License-Identifier: BSD-3-Clause
#include "base/log.h"
#include "emulator/driver/guest_memory.h"
#include "emulator/serve/process.h"
#include "emulator/serve/process_client.h"
#include "emulator/serve/server.h"
#include "gunyah/uapi.h"

#include <cerrno>
#include <utility>

#include <fcntl.h>

namespace gh::serve {

using namespace gunyah;

namespace {

std::uint32_t request_of(const Call& call)
{
    return static_cast<std::uint32_t>(call.arguments[1]);
}

/// Requests that every file has, whatever made it (FIOCLEX and kin), are not of our types.
bool is_ours(std::uint32_t request)
{
    const std::uint32_t type = request >> 8 & 0xff;
    return type == 'G' || type == 'A';
}

/// What may borrow the client's thread, or wait for a vCPU: not for the thread that receives.
bool takes_time(std::uint32_t request)
{
    switch (request) {
    case GH_VM_START:
    case GH_VM_REMOVE_FUNCTION:
    case GH_VM_SET_USER_MEM_REGION:
    case GH_VM_ANDROID_LEND_USER_MEM:
    case GUNYAH_VM_MAP_MEM:
    case GUNYAH_VM_RECLAIM_REGION: return true;
    default: return false;
    }
}

}  // namespace

/// False: not a descriptor of ours, and nothing was answered.
bool Server::control(const Call& call)
{
    struct stat info {};
    if (!is_ours(request_of(call)) ||
        !stat_fd(call.thread, static_cast<int>(call.arguments[0]), info))
        return false;
    const Object object = stand_ins_.find(info);
    if (!object)
        return false;
    // What was closed before this call is closed before it is answered.
    bury_closed();
    switch (object->kind) {
    case Kind::Device: control_device(call); break;
    case Kind::Vcpu: control_vcpu(object, call); break;
    case Kind::Vm: control_file(object, call); break;
    case Kind::GuestMemory: listener_.answer(call, 0, ENOTTY); break;
    }
    return true;
}

std::shared_ptr<driver::Client> Server::client_of(pid_t process)
{
    auto client = clients_[process].lock();
    if (!client) {
        std::erase_if(clients_, [](const auto& entry) { return entry.second.expired(); });
        client = make_process_client(process);
        clients_[process] = client;
    }
    return client;
}

/// Everything that the driver knows of a client begins with CREATE_VM, so that one who forks after
/// opening the device is another client.
void Server::control_device(const Call& call)
{
    Conversation conversation(listener_, call);
    const auto device = machine_.open(client_of(process_of(call.thread)));
    Reply reply = device->ioctl(request_of(call), call.arguments[2]);
    answer(conversation, request_of(call) == GH_CREATE_VM ? Kind::Vm : Kind::GuestMemory,
           std::move(reply));
}

/// What gives or takes memory may borrow the client's thread, whose calls somebody has to receive
/// meanwhile, or wait for who does.
void Server::control_file(const Object& object, const Call& call)
{
    if (!takes_time(request_of(call)) && object->strand.idle())
        perform(object, call);
    else if (!later(object, [this, object, call] { perform(object, call); }))
        listener_.answer(call, 0, EAGAIN);
}

/// Lets go of the file before the caller hears of it: if it closes it then, that is the end.
void Server::perform(const Object& object, const Call& call)
{
    Conversation conversation(listener_, call);
    Reply reply{EBADF, 0, nullptr};  // closed while the call was on its way
    if (const auto file = object->file())
        reply = file->ioctl(request_of(call), call.arguments[2]);
    answer(conversation, Kind::Vcpu, std::move(reply));
}

/// True if the caller heard it. A descriptor that cannot be given to the caller was not made.
bool Server::answer(Conversation& conversation, Kind made, Reply reply)
{
    const Call& call = conversation.call();
    if (reply.error != 0 || !reply.file)
        return listener_.answer(call, reply.value, reply.error);
    auto& file = *reply.file;
    const driver::GuestMemory* const memory = guest_memory(&file);
    const bool close_on_exec = memory == nullptr || memory->close_on_exec();
    const auto object = std::make_shared<StandIn>(made, std::move(reply.file));
    const auto held = object->file();
    const Fd fd = stand_ins_.open(object, O_RDWR);
    const int error = fd ? listener_.answer_with_fd(call, fd.get(), close_on_exec) : errno;
    if (error == 0)
        return true;
    file.abandon();
    return listener_.answer(call, 0, error);
}

void Server::control_vcpu(const Object& object, const Call& call)
{
    if (request_of(call) != GH_VCPU_RUN)
        return perform(object, call);
    {
        const std::scoped_lock lock(running_mutex_);
        running_.emplace(call.id, Running{object});
    }
    if (!later(object, [this, object, call] { run_vcpu(*object, call); })) {
        const std::scoped_lock lock(running_mutex_);
        running_.erase(call.id);
        listener_.answer(call, 0, EAGAIN);
        return;
    }
    // Whoever waited for this vCPU before, and does no more, is in the way.
    interrupt_forsaken();
}

/// The call may be another at its end: bringing in memory may borrow the caller's thread.
void Server::run_vcpu(StandIn& object, const Call& call)
{
    Conversation conversation(listener_, call);
    int error = EBADF;  // closed while the call was on its way
    if (auto file = object.file()) {
        error = 0;
        if (listener_.waits(call) && !std::exchange(object.untold, false)) {
            conversation.on_signal([&] { file->interrupt(); });
            {
                const std::scoped_lock lock(running_mutex_);
                running_.at(call.id).active = &conversation;
            }
            error = file->ioctl(GH_VCPU_RUN, call.arguments[2]).error;
        }
    }
    {
        const std::scoped_lock lock(running_mutex_);
        running_.erase(call.id);
    }
    // An exit of which a signal kept the caller from hearing.
    if (!listener_.answer(conversation.call(), 0, error) && error == 0)
        object.untold = true;
}

}  // namespace gh::serve
