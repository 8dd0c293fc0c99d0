// SPDX-License-Identifier: BSD-3-Clause
#include "sandbox/landlock.h"

#include "base/error.h"

#include <cerrno>

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::sandbox {
namespace {

// Younger than the headers of Debian 12.
constexpr std::uint64_t kTruncate = 1 << 14;           // LANDLOCK_ACCESS_FS_TRUNCATE
constexpr std::uint64_t kScopeAbstractUnixSocket = 1;  // LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET

/// landlock_ruleset_attr as it is today; older kernels want the zeros at its end.
struct RulesetAttributes {
    std::uint64_t handled_access_fs = 0;
    std::uint64_t handled_access_net = 0;
    std::uint64_t scoped = 0;
};

constexpr std::uint64_t kOfFirstVersion = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1;
constexpr std::uint64_t kOfFiles = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |
                                   LANDLOCK_ACCESS_FS_READ_FILE | kTruncate;

std::uint64_t known_to(int version)
{
    return kOfFirstVersion |
           (version >= 2 ? std::uint64_t{LANDLOCK_ACCESS_FS_REFER} : std::uint64_t{0}) |
           (version >= 3 ? kTruncate : std::uint64_t{0});
}

std::uint64_t rights_of(FileUse use)
{
    switch (use) {
    case FileUse::Read: return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    case FileUse::ReadWrite:
        return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
    case FileUse::MakeSockets: return LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE;
    case FileUse::Remove: return LANDLOCK_ACCESS_FS_REMOVE_FILE;
    case FileUse::MakeLinks: return LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REMOVE_FILE;
    }
    return 0;
}

}  // namespace

int landlock_version() noexcept
{
    const long version =
        ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return version > 0 ? static_cast<int>(version) : 0;
}

// Signals to processes outside have a scope as well, but virtiofsd is one that we end.
Landlock::Landlock() : handled_(known_to(landlock_version()))
{
    constexpr int kScopes = 6;  // Linux 6.12
    const RulesetAttributes attributes{
        .handled_access_fs = handled_,
        .scoped = landlock_version() >= kScopes ? kScopeAbstractUnixSocket : 0};
    ruleset_ = Fd{static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0))};
    if (!ruleset_)
        throw_errno("Landlock: landlock_create_ruleset");
}

void Landlock::allow(const std::string& path, FileUse use)
{
    const Fd file{::open(path.c_str(), O_PATH | O_CLOEXEC)};
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) != 0)
        return;
    landlock_path_beneath_attr rule{};
    rule.allowed_access = rights_of(use) & handled_;
    if (!S_ISDIR(status.st_mode))
        rule.allowed_access &= kOfFiles;
    rule.parent_fd = file.get();
    if (rule.allowed_access == 0)
        return;
    if (::syscall(SYS_landlock_add_rule, ruleset_.get(), LANDLOCK_RULE_PATH_BENEATH, &rule, 0) !=
            0 &&
        errno != EBADFD)
        throw_errno("Landlock: landlock_add_rule " + path);
}

void Landlock::enter() const
{
    if (::syscall(SYS_landlock_restrict_self, ruleset_.get(), 0) != 0)
        throw_errno("Landlock: landlock_restrict_self");
}

}  // namespace gh::sandbox
