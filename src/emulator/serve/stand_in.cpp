// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/stand_in.h"

#include "base/error.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/mman.h>

namespace gh::serve {
namespace {

const char* name_of(Kind kind)
{
    switch (kind) {
    case Kind::Device: return "gunyah";
    case Kind::Vm: return "gunyah-vm";
    case Kind::Vcpu: return "gh-vcpu";
    case Kind::GuestMemory: return "[gh-gmem]";
    }
    return "";
}

std::string path_of(int fd)
{
    return "/proc/self/fd/" + std::to_string(fd);
}

/// The watches of an inotify(7) file that still stand.
std::set<int> watches_of(int inotify)
{
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(inotify));
    std::set<int> watches;
    for (std::string line; std::getline(info, line);) {
        unsigned watch = 0;
        if (std::sscanf(line.c_str(), "inotify wd:%x", &watch) == 1)
            watches.insert(static_cast<int>(watch));
    }
    return watches;
}

}  // namespace

StandIn::Open::~Open()
{
    file.reset();
    if (closed)
        closed();
}

StandIn::StandIn(Kind what, std::unique_ptr<gunyah::File> file)
    : kind(what), open_(std::make_shared<Open>())
{
    open_.with([&](const std::shared_ptr<Open>& open) { open->file = std::move(file); });
}

std::shared_ptr<gunyah::File> StandIn::file() const
{
    return open_.with([](const std::shared_ptr<Open>& open) {
        return open ? std::shared_ptr<gunyah::File>(open, open->file.get()) : nullptr;
    });
}

void StandIn::close(std::function<void()> closed)
{
    // What is held last ends outside the lock.
    const auto open = open_.with([](std::shared_ptr<Open>& held) { return std::move(held); });
    open->closed = std::move(closed);
}

StandIns::StandIns() : inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK))
{
    if (!inotify_)
        throw_errno("inotify_init");
    struct stat info {};
    if (::fstat(make_memfd("gunyah", 0).get(), &info) != 0)
        throw_errno("fstat of a memfd");
    device_ = info.st_dev;
}

/// Opened anew, so that our own copies do not keep it from being closed. It is watched only once
/// none of them is left to be mistaken for the client's.
Fd StandIns::open(const std::shared_ptr<StandIn>& object, int flags)
{
    Fd opened;
    const auto file = object->file();
    const int memory = file ? file->memory_fd() : -1;
    if (memory >= 0) {
        opened = Fd{::open(path_of(memory).c_str(), flags | O_CLOEXEC)};
    } else {
        Fd fresh{::memfd_create(name_of(object->kind), MFD_CLOEXEC)};
        opened = Fd{::open(path_of(fresh.get()).c_str(), flags | O_CLOEXEC)};
    }
    struct stat info {};
    if (!opened || ::fstat(opened.get(), &info) != 0)
        return Fd{};
    const int watch = ::inotify_add_watch(inotify_.get(), path_of(opened.get()).c_str(), IN_CLOSE);
    if (watch < 0)
        return Fd{};
    const std::scoped_lock lock(mutex_);
    object->inode = info.st_ino;
    object->watch = watch;
    by_inode_[info.st_ino] = object;
    by_watch_[watch] = info.st_ino;
    return opened;
}

std::shared_ptr<StandIn> StandIns::find(const struct stat& info) const
{
    if (info.st_dev != device_)
        return nullptr;
    const std::scoped_lock lock(mutex_);
    const auto found = by_inode_.find(info.st_ino);
    return found != by_inode_.end() ? found->second : nullptr;
}

std::vector<std::shared_ptr<StandIn>> StandIns::closed()
{
    std::vector<std::shared_ptr<StandIn>> gone;
    bool overflown = false;
    alignas(inotify_event) std::array<char, 4096> buffer{};
    ssize_t length = 0;
    while ((length = ::read(inotify_.get(), buffer.data(), buffer.size())) > 0) {
        const std::scoped_lock lock(mutex_);
        for (ssize_t at = 0; at < length;) {
            const auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += static_cast<ssize_t>(sizeof event + event.len);
            overflown = overflown || (event.mask & IN_Q_OVERFLOW) != 0;
            if ((event.mask & IN_CLOSE) != 0)
                forget(event.wd, gone);
        }
    }
    if (overflown)
        forget_vanished(gone);
    return gone;
}

/// With mutex_ held.
void StandIns::forget(int watch, std::vector<std::shared_ptr<StandIn>>& gone)
{
    const auto watched = by_watch_.find(watch);
    if (watched == by_watch_.end())
        return;
    const auto object = by_inode_.find(watched->second);
    if (object != by_inode_.end()) {
        gone.push_back(object->second);
        by_inode_.erase(object);
    }
    by_watch_.erase(watched);
    ::inotify_rm_watch(inotify_.get(), watch);
}

// What the kernel had no room to tell us: the last close of a memfd takes its watch away as well.
// Guest memory, of which we have a descriptor ourselves, is not found.
void StandIns::forget_vanished(std::vector<std::shared_ptr<StandIn>>& gone)
{
    const std::scoped_lock lock(mutex_);
    const std::set<int> standing = watches_of(inotify_.get());
    std::vector<int> vanished;
    for (const auto& [watch, inode] : by_watch_)
        if (!standing.contains(watch))
            vanished.push_back(watch);
    for (const int watch : vanished)
        forget(watch, gone);
}

}  // namespace gh::serve
