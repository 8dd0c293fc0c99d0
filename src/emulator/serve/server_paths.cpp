// SPDX-License-Identifier: BSD-3-Clause
// Calls that name a path, of which /dev/gunyah is one.
#include "emulator/serve/process.h"
#include "emulator/serve/server.h"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace gh::serve {
namespace {

constexpr unsigned kMiscMajor = 10;
constexpr unsigned kMinor = 0x67;  // of a dynamic misc device: any

/// Where a path argument and its directory stand.
struct PathArgument {
    int directory = AT_FDCWD;
    std::uint64_t path = 0;
};

PathArgument path_of(const Call& call)
{
    switch (call.number) {
#ifdef SYS_stat
    case SYS_open:
    case SYS_access:
    case SYS_stat:
    case SYS_lstat: return {AT_FDCWD, call.arguments[0]};
#endif
    default: return {static_cast<int>(call.arguments[0]), call.arguments[1]};
    }
}

bool opens(const Call& call, std::uint64_t& flags)
{
    switch (call.number) {
#ifdef SYS_open
    case SYS_open: flags = call.arguments[1]; return true;
#endif
    case SYS_openat: flags = call.arguments[2]; return true;
    case SYS_openat2: {
        open_how how{};
        if (!read_memory(call.thread, call.arguments[2],
                         std::as_writable_bytes(std::span(&how.flags, 1))))
            return false;
        flags = how.flags;
        return true;
    }
    default: return false;
    }
}

void fill_device(struct stat& info)
{
    info = {};
    info.st_mode = S_IFCHR | 0600;
    info.st_nlink = 1;
    info.st_rdev = ::makedev(kMiscMajor, kMinor);
    info.st_blksize = 4096;
}

}  // namespace

void amend(struct stat& info, Kind kind) noexcept
{
    const dev_t device = info.st_dev;
    const ino_t inode = info.st_ino;
    switch (kind) {
    case Kind::Device: fill_device(info); break;
    case Kind::Vm:
    case Kind::Vcpu:
        info.st_mode = 0600;
        info.st_size = 0;
        info.st_blocks = 0;
        break;
    case Kind::GuestMemory: info.st_mode = 0600; break;
    }
    info.st_dev = device;
    info.st_ino = inode;
}

bool Server::names_device(const Call& call, int directory, std::uint64_t path) const
{
    const auto text = read_string(call.thread, path);
    if (!text || text->empty())
        return false;
    namespace fs = std::filesystem;
    const fs::path named(*text);
    if (named.filename() != fs::path(path_).filename())
        return false;
    if (named.is_absolute())
        return named.lexically_normal() == path_;
    const std::string base =
        read_link(call.thread, directory == AT_FDCWD ? "cwd" : "fd/" + std::to_string(directory));
    return (fs::path(base) / named).lexically_normal() == path_;
}

/// False: not the device, and nothing was answered.
bool Server::open_device(const Call& call)
{
    std::uint64_t flags = 0;
    if (!opens(call, flags))
        return false;
    const PathArgument at = path_of(call);
    if (!names_device(call, at.directory, at.path))
        return false;
    if ((flags & O_DIRECTORY) != 0 && (flags & O_CREAT) == 0) {
        listener_.answer(call, 0, ENOTDIR);
        return true;
    }
    if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL)) {
        listener_.answer(call, 0, EEXIST);
        return true;
    }
    constexpr int kKept = O_ACCMODE | O_NONBLOCK | O_APPEND;
    const auto object = std::make_shared<StandIn>(Kind::Device);
    const Fd fd = stand_ins_.open(object, static_cast<int>(flags) & kKept);
    const int error =
        fd ? listener_.answer_with_fd(call, fd.get(), (flags & O_CLOEXEC) != 0) : errno;
    if (error != 0)
        listener_.answer(call, 0, error);
    return true;
}

Server::Verdict Server::access_device(const Call& call) const
{
    const PathArgument at = path_of(call);
    if (!names_device(call, at.directory, at.path))
        return {};
    const std::uint64_t mode = call.arguments[at.path == call.arguments[0] ? 1 : 2];
    return {true, 0, (mode & X_OK) != 0 ? EACCES : 0};
}

Server::Verdict Server::stat_device(const Call& call) const
{
    const PathArgument at = path_of(call);
    const bool by_path =
        at.path == call.arguments[0] && call.number != SYS_newfstatat && call.number != SYS_statx;
    const std::uint64_t flags = by_path ? 0 : call.arguments[call.number == SYS_statx ? 2 : 3];
    struct stat info {};
    if ((flags & AT_EMPTY_PATH) != 0) {
        const Object object =
            stat_fd(call.thread, at.directory, info) ? stand_ins_.find(info) : nullptr;
        const auto text = read_string(call.thread, at.path);
        if (!object || (text && !text->empty()))
            return {};
        amend(info, object->kind);
    } else if (names_device(call, at.directory, at.path)) {
        fill_device(info);
    } else {
        return {};
    }
    if (call.number == SYS_statx) {
        struct statx extended {};
        extended.stx_mask = STATX_BASIC_STATS;
        extended.stx_blksize = static_cast<std::uint32_t>(info.st_blksize);
        extended.stx_nlink = static_cast<std::uint32_t>(info.st_nlink);
        extended.stx_mode = static_cast<std::uint16_t>(info.st_mode);
        extended.stx_ino = info.st_ino;
        extended.stx_size = static_cast<std::uint64_t>(info.st_size);
        extended.stx_rdev_major = ::major(info.st_rdev);
        extended.stx_rdev_minor = ::minor(info.st_rdev);
        extended.stx_dev_major = ::major(info.st_dev);
        extended.stx_dev_minor = ::minor(info.st_dev);
        const bool told =
            write_memory(call.thread, call.arguments[4], std::as_bytes(std::span(&extended, 1)));
        return {true, 0, told ? 0 : EFAULT};
    }
    const bool told = write_memory(call.thread, call.arguments[by_path ? 1 : 2],
                                   std::as_bytes(std::span(&info, 1)));
    return {true, 0, told ? 0 : EFAULT};
}

}  // namespace gh::serve
