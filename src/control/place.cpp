// SPDX-License-Identifier: BSD-3-Clause
#include "control/place.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::control {
namespace {

constexpr const char* kSuffix = ".sock";

// Who holds the lock has written its number there.
std::string holder(const Fd& file)
{
    std::array<char, 16> text{};
    const auto count = ::pread(file.get(), text.data(), text.size() - 1, 0);
    const int pid = count > 0 ? std::atoi(text.data()) : 0;
    return pid > 0 ? "process " + std::to_string(pid) : "another process";
}

bool is_at(const Fd& file, const std::string& path)
{
    struct stat mine {};
    struct stat there {};
    return ::fstat(file.get(), &mine) == 0 && ::stat(path.c_str(), &there) == 0 &&
           mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

// A holder takes its file away as it goes, so what was locked may be a file without a name.
Fd lock_file(const std::string& path, const std::string& socket)
{
    for (;;) {
        Fd file{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!file)
            throw_errno("open " + path);
        if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK)
                throw_errno("lock " + path);
            throw Error("the control socket " + socket + " is " + holder(file) +
                        "'s: give this VM another name or control.socket");
        }
        if (is_at(file, path))
            return file;
    }
}

}  // namespace

std::string default_folder()
{
    const char* const runtime = std::getenv("XDG_RUNTIME_DIR");  // NOLINT(concurrency-mt-unsafe)
    if (runtime != nullptr && *runtime == '/')
        return std::string(runtime) + "/gh-vmm";
    if (::geteuid() == 0)
        return "/run/gh-vmm";
    return "/tmp/gh-vmm-" + std::to_string(::geteuid());
}

void make_private_folder(const std::string& folder)
{
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        throw_errno("make " + folder);
    struct stat status {};
    if (::lstat(folder.c_str(), &status) != 0)
        throw_errno("look at " + folder);
    if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid())
        throw Error(folder + ": not a folder of this user; remove it or set XDG_RUNTIME_DIR");
    if ((status.st_mode & 077) != 0 && ::chmod(folder.c_str(), 0700) != 0)
        throw_errno("chmod " + folder);
}

std::string socket_of(const std::string& name)
{
    std::string file = name;
    std::replace(file.begin(), file.end(), '/', '_');
    return default_folder() + "/" + file + kSuffix;
}

std::string find_socket(const std::string& name_or_path)
{
    return name_or_path.find('/') != std::string::npos ? name_or_path : socket_of(name_or_path);
}

std::vector<std::string> all_sockets()
{
    std::vector<std::string> sockets;
    std::error_code none;  // no folder, no sockets
    for (const auto& entry : std::filesystem::directory_iterator(default_folder(), none))
        if (entry.path().extension() == kSuffix)
            sockets.push_back(entry.path());
    std::sort(sockets.begin(), sockets.end());
    return sockets;
}

Claim::Claim(const std::string& socket) : path_(socket + ".lock"), file_(lock_file(path_, socket))
{
    const std::string pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(file_.get(), 0) != 0 ||
        ::pwrite(file_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size()))
        throw_errno("write " + path_);
}

Claim::~Claim()
{
    (void)::unlink(path_.c_str());
}

}  // namespace gh::control
