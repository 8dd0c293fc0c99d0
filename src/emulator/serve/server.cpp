// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/server.h"

#include "base/error.h"
#include "emulator/serve/process.h"

#include <array>
#include <cerrno>
#include <chrono>

#include <poll.h>
#include <sys/syscall.h>

namespace gh::serve {
namespace {

/// A signal ends a client's VCPU_RUN without a word to us, so now and then we look.
constexpr int kLookEvery = 5;  // ms
constexpr std::chrono::seconds kLongestClose{2};

int fd_argument(const Call& call, std::size_t index)
{
    return static_cast<int>(call.arguments.at(index));
}

}  // namespace

Server::Server(Listener listener, const driver::DeviceOptions& options, std::string path)
    : listener_(std::move(listener)), path_(std::move(path)), machine_(options)
{
}

/// Strands work for us until their last task is done.
Server::~Server()
{
    bury_closed();
    for (;;) {
        interrupt_forsaken();
        std::unique_lock lock(burial_mutex_);
        if (buried_.wait_for(lock, std::chrono::milliseconds(kLookEvery),
                             [this] { return tasks_ == 0 && burials_ == 0; }))
            return;
    }
}

bool Server::later(const Object& object, std::function<void()> task)
{
    const auto done = [this] {
        const std::scoped_lock lock(burial_mutex_);
        --tasks_;
        buried_.notify_all();
    };
    {
        const std::scoped_lock lock(burial_mutex_);
        ++tasks_;
    }
    const bool added = object->strand.add([task = std::move(task), done] {
        task();
        done();
    });
    if (!added)
        done();
    return added;
}

bool Server::run(int interruption)
{
    std::array<pollfd, 3> events{pollfd{listener_.get(), POLLIN, 0},
                                 pollfd{stand_ins_.closings(), POLLIN, 0},
                                 pollfd{interruption, POLLIN, 0}};
    for (;;) {
        bool looking = false;
        {
            const std::scoped_lock lock(running_mutex_);
            looking = !running_.empty();
        }
        const int ready = ::poll(events.data(), events.size(), looking ? kLookEvery : -1);
        if (ready < 0 && errno != EINTR)
            throw_errno("poll");
        if ((events[0].revents & POLLIN) != 0)
            receive();
        else if ((events[0].revents & (POLLHUP | POLLERR)) != 0)
            return true;
        if (events[1].revents != 0)
            bury_closed();
        if (looking)
            interrupt_forsaken();
        if (events[2].revents != 0)
            return false;
    }
}

void Server::receive()
{
    const auto call = listener_.receive();
    if (!call || Conversation::is_again(*call))
        return;
    if (Conversation::is_driven(call->thread)) {
        listener_.let_through(*call);
        return;
    }
    if (call->number == SYS_ioctl   ? control(*call)
        : call->number == SYS_close ? close(*call)
                                    : open_device(*call))
        return;
    const Verdict verdict = decide(*call);
    if (verdict.ours)
        listener_.answer(*call, verdict.value, verdict.error);
    else
        listener_.let_through(*call);
}

Server::Object Server::object_of(const Call& call) const
{
    const std::size_t index = call.number == SYS_mmap ? 4 : 0;
    struct stat info {};
    if (!stat_fd(call.thread, fd_argument(call, index), info))
        return nullptr;
    return stand_ins_.find(info);
}

Server::Verdict Server::decide(const Call& call)
{
    switch (call.number) {
#ifdef SYS_stat
    case SYS_access:
#endif
    case SYS_faccessat:
    case SYS_faccessat2: return access_device(call);
#ifdef SYS_stat
    case SYS_stat:
    case SYS_lstat:
#endif
    case SYS_newfstatat:
    case SYS_statx: return stat_device(call);
    default: break;
    }
    const Object object = object_of(call);
    if (!object)
        return {};
    switch (call.number) {
    case SYS_fstat: {
        struct stat info {};
        if (!stat_fd(call.thread, fd_argument(call, 0), info))
            return {};
        amend(info, object->kind);
        const bool told =
            write_memory(call.thread, call.arguments[1], std::as_bytes(std::span(&info, 1)));
        return {true, 0, told ? 0 : EFAULT};
    }
    case SYS_lseek: return object->kind == Kind::GuestMemory ? Verdict{} : seek(call);
    case SYS_mmap: return map(*object, call);
    case SYS_fallocate:
    case SYS_ftruncate: return allocate(*object, call);
    case SYS_fsync: return {true, 0, EINVAL};
    default: return {};
    }
}

/// What the driver does for a client may not be over: then whoever does it closes the file.
void Server::bury_closed()
{
    std::vector<Object> objects;
    {
        const std::scoped_lock lock(burial_mutex_);
        objects = stand_ins_.closed();
        burials_ += static_cast<unsigned>(objects.size());
    }
    for (const Object& object : objects) {
        const auto file = object->file();
        object->close([this] {
            const std::scoped_lock lock(burial_mutex_);
            --burials_;
            buried_.notify_all();
        });
        // After close(): whoever begins a call from here on finds no file.
        if (file && object->kind == Kind::Vcpu)
            file->interrupt();
    }
}

/// Not for ever: a client whose START waits for a signal handler of its own must not keep others
/// from closing.
void Server::await_burials() noexcept
{
    std::unique_lock lock(burial_mutex_);
    buried_.wait_for(lock, kLongestClose, [this] { return burials_ == 0; });
}

void Server::interrupt_forsaken()
{
    const std::scoped_lock lock(running_mutex_);
    for (auto& [id, running] : running_)
        if (const auto file = running.object->file();
            file && running.active != nullptr && running.active->is_forsaken())
            file->interrupt();
}

}  // namespace gh::serve
