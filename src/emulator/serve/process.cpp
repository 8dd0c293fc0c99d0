// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/process.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cinttypes>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace gh::serve {
namespace {

constexpr std::uint64_t kPage = 4096;  // the smallest there is: a string is read up to its end

std::string proc(pid_t thread, const std::string& name)
{
    return "/proc/" + std::to_string(thread) + "/" + name;
}

bool is_file(const std::string& path, const Vma& vma)
{
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && info.st_dev == vma.device &&
           info.st_ino == vma.inode;
}

Fd open_either_way(const std::string& path)
{
    Fd fd{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
    return fd ? std::move(fd) : Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
}

}  // namespace

bool read_memory(pid_t thread, std::uint64_t address, std::span<std::byte> to) noexcept
{
    const iovec local{to.data(), to.size()};
    const iovec remote{reinterpret_cast<void*>(address), to.size()};
    const ssize_t got = ::process_vm_readv(thread, &local, 1, &remote, 1, 0);
    return got >= 0 && static_cast<std::size_t>(got) == to.size();
}

bool write_memory(pid_t thread, std::uint64_t address, std::span<const std::byte> from) noexcept
{
    const iovec local{const_cast<std::byte*>(from.data()), from.size()};
    const iovec remote{reinterpret_cast<void*>(address), from.size()};
    const ssize_t got = ::process_vm_writev(thread, &local, 1, &remote, 1, 0);
    return got >= 0 && static_cast<std::size_t>(got) == from.size();
}

std::optional<std::string> read_string(pid_t thread, std::uint64_t address)
{
    std::string text;
    std::array<std::byte, kPage> page{};
    while (text.size() < PATH_MAX) {
        const auto part = std::span(page).first(kPage - address % kPage);
        if (!read_memory(thread, address, part))
            return std::nullopt;
        const auto end = std::find(part.begin(), part.end(), std::byte{0});
        text.append(reinterpret_cast<const char*>(part.data()),
                    static_cast<std::size_t>(end - part.begin()));
        if (end != part.end())
            return text;
        address += part.size();
    }
    return std::nullopt;
}

pid_t process_of(pid_t thread) noexcept
{
    const std::string path = proc(thread, "status");
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{std::fopen(path.c_str(), "re"),
                                                               &std::fclose};
    char line[256];
    pid_t process = 0;
    while (file && std::fgets(line, sizeof line, file.get()))
        if (std::sscanf(line, "Tgid: %d", &process) == 1)
            return process;
    return 0;
}

bool is_alive(pid_t thread) noexcept
{
    char path[32];
    std::snprintf(path, sizeof path, "/proc/%d/stat", thread);
    const Fd stat{::open(path, O_RDONLY | O_CLOEXEC)};
    std::array<char, 256> text{};
    if (!stat || ::read(stat.get(), text.data(), text.size() - 1) <= 0)
        return false;
    const char* const name_end = std::strrchr(text.data(), ')');  // the name may hold anything
    return name_end != nullptr && name_end[1] == ' ' && name_end[2] != 'Z' && name_end[2] != 'X';
}

bool stat_fd(pid_t thread, int fd, struct stat& info) noexcept
{
    char path[64];
    std::snprintf(path, sizeof path, "/proc/%d/fd/%d", thread, fd);
    return fd >= 0 && ::stat(path, &info) == 0;
}

std::string read_link(pid_t thread, const std::string& name)
{
    std::array<char, PATH_MAX> target{};
    const ssize_t length = ::readlink(proc(thread, name).c_str(), target.data(), target.size());
    return length > 0 ? std::string(target.data(), static_cast<std::size_t>(length)) : "";
}

Fd copy_fd(pid_t thread, int fd) noexcept
{
    const Fd process{static_cast<int>(::syscall(SYS_pidfd_open, process_of(thread), 0))};
    if (!process)
        return Fd{};
    return Fd{static_cast<int>(::syscall(SYS_pidfd_getfd, process.get(), fd, 0))};
}

std::vector<Vma> mappings(pid_t thread, std::uint64_t start, std::uint64_t end)
{
    return driver::mappings_of(std::to_string(thread), start, end);
}

Fd open_mapped_file(pid_t thread, const Vma& vma)
{
    char name[64];
    std::snprintf(name, sizeof name, "map_files/%" PRIx64 "-%" PRIx64, vma.vma_start, vma.vma_end);
    if (Fd fd = open_either_way(proc(thread, name)))
        return fd;
    std::error_code gone;
    for (std::filesystem::directory_iterator fds(proc(thread, "fd"), gone), end;
         !gone && fds != end; fds.increment(gone))
        if (is_file(fds->path(), vma))
            return open_either_way(fds->path());
    return Fd{};
}

}  // namespace gh::serve
