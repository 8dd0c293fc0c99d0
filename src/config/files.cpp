// SPDX-License-Identifier: BSD-3-Clause
#include "config/files.h"

#include "base/fd.h"
#include "config/config_error.h"
#include "config/suggest.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::config {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxText = 1u << 20;
constexpr std::size_t kMaxNeighbours = 2000;  // names of a folder to compare with

bool is_descriptor(const std::string& path)
{
    return path.starts_with("/proc/self/fd/") || path.starts_with("/dev/fd/") ||
           path == "/dev/stdin";
}

std::string errno_words()
{
    return std::generic_category().message(errno);
}

std::vector<std::string> names_in(const fs::path& folder)
{
    std::vector<std::string> names;
    std::error_code error;
    for (auto entry = fs::directory_iterator(folder, error);
         !error && entry != fs::directory_iterator() && names.size() < kMaxNeighbours;
         entry.increment(error))
        names.push_back(entry->path().filename().string());
    return names;
}

std::string missing_trouble(const std::string& path)
{
    const int reason = errno;
    const std::string folder = fs::path(path).parent_path().lexically_normal().string();
    struct ::stat info {};
    if (reason == ENOENT && ::stat(folder.c_str(), &info) != 0)
        return "a file that exists (there is no folder " + folder + ")";
    return "a file that exists (" + path + ": " + std::generic_category().message(reason) + ")";
}

/// The format of an image that is not raw, by its first bytes; empty: none that is known.
std::string disk_format(const std::string& path)
{
    struct Format {
        std::string_view magic;
        const char* name;
    };
    constexpr std::array kFormats{Format{"QFI\xfb", "qcow2"}, Format{"KDMV", "VMDK"},
                                  Format{"vhdxfile", "VHDX"}, Format{"<<< Orac", "VDI"}};
    std::array<char, 8> begin{};
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    const ::ssize_t got = fd ? ::read(fd.get(), begin.data(), begin.size()) : 0;
    const std::string_view text(begin.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
    for (const auto& [magic, name] : kFormats)
        if (text.starts_with(magic))
            return name;
    return {};
}

}  // namespace

std::string absolute_path(const std::string& path, const std::string& folder)
{
    return path.starts_with("/") ? path : folder + (folder.ends_with("/") ? "" : "/") + path;
}

std::string folder_of(const std::string& path)
{
    std::error_code error;
    const fs::path here = fs::current_path(error);
    if (error && !path.starts_with("/"))
        throw Error("the working directory: " + error.message());
    return is_descriptor(path) ? here.string() : (here / path).parent_path().string();
}

std::string read_config_text(const std::string& path)
{
    const auto fail = [&path](const std::string& why) {
        throw ConfigError(path, {path + ": " + why});
    };
    const Fd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (!fd)
        fail("got no configuration: " + errno_words());
    std::string text;
    std::array<char, 16384> piece{};
    while (const ::ssize_t got = ::read(fd.get(), piece.data(), piece.size())) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            fail("got no configuration: " + errno_words());
        text.append(piece.data(), static_cast<std::size_t>(got));
        if (text.size() > kMaxText)
            fail("got more than 1 MiB; expected a configuration in JSON");
    }
    return text;
}

std::string file_trouble(const std::string& path, FileUse use)
{
    if (use == FileUse::None)
        return {};
    struct ::stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return missing_trouble(path);
    if (S_ISDIR(info.st_mode))
        return "a file (" + path + " is a folder)";
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) != 0)
        return "a file that can be read (" + path + ": " + errno_words() + ")";
    if (use == FileUse::ReadWrite && ::faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) != 0)
        return "a file that can be written (" + path + ": " + errno_words() + ")";
    return {};
}

std::string disk_trouble(const std::string& path)
{
    constexpr off_t kSector = 512;
    struct ::stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return missing_trouble(path);
    if (!S_ISREG(info.st_mode) && !S_ISBLK(info.st_mode))
        return "a regular file or a block device";
    if (S_ISREG(info.st_mode) && info.st_size < kSector)
        return "an image of 512 bytes at least (" + path + " has " + std::to_string(info.st_size) +
               "; truncate -s 8G makes an empty disk)";
    if (const std::string format = disk_format(path); !format.empty())
        return "a raw image (" + path + " is " + format + "; qemu-img convert -O raw makes one)";
    return {};
}

std::string folder_trouble(const std::string& path)
{
    struct ::stat info {};
    if (::stat(path.c_str(), &info) != 0)
        return "a folder that exists (" + path + ": " + errno_words() + ")";
    if (!S_ISDIR(info.st_mode))
        return "a folder (" + path + " is none)";
    if (::faccessat(AT_FDCWD, path.c_str(), R_OK | X_OK, AT_EACCESS) != 0)
        return "a folder that can be read (" + path + ": " + errno_words() + ")";
    return {};
}

std::string nearest_file(const std::string& written, const std::string& path)
{
    const fs::path wanted{path};
    struct ::stat info {};
    if (::stat(path.c_str(), &info) == 0 || !wanted.has_filename())
        return {};
    const auto names = names_in(wanted.parent_path());
    const std::vector<std::string_view> choices{names.begin(), names.end()};
    const auto near = nearest(wanted.filename().string(), choices);
    if (near.empty())
        return {};
    return (fs::path(written).parent_path() / near).string();
}

std::optional<std::uint64_t> file_size(const std::string& path)
{
    struct ::stat info {};
    if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode))
        return std::nullopt;
    return static_cast<std::uint64_t>(info.st_size);
}

}  // namespace gh::config
