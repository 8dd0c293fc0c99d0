// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/virtiofsd.h"

#include "base/child.h"
#include "base/error.h"
#include "base/log.h"
#include "base/pipe.h"
#include "base/pretence.h"
#include "base/unix_socket.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

// Distributions keep it out of PATH.
constexpr std::array kPrograms{"virtiofsd", "/usr/libexec/virtiofsd", "/usr/lib/virtiofsd",
                               "/usr/lib/qemu/virtiofsd"};
constexpr std::array kSandboxes{"namespace", "chroot"};

/// What is installed here.
struct Program {
    std::string path;
    bool is_qemus = false;  // whose options are others
};

/// What the program says to --version; nothing if there is none.
std::optional<std::string> version_of(const std::string& path)
{
    // QEMU's gives up its groups even for this, which not everybody may.
    const Pretence groups{SYS_setgroups};
    try {
        auto ended =
            run_child({.arguments = {path, "--version"}, .prepare = [&groups] {
                           return ::dup2(STDERR_FILENO, STDOUT_FILENO) >= 0 && groups.begin();
                       }});
        return ended.status == 0 ? std::optional(std::move(ended.said)) : std::nullopt;
    } catch (const ChildError& error) {
        // Also where PATH has folders that this user may not look into.
        if (error.code() == ENOENT || error.code() == ENOTDIR || error.code() == EACCES)
            return std::nullopt;
        throw Error("start " + path + ": " + error.what());
    }
}

Program find_program(const std::string& name)
{
    for (const char* const path : kPrograms)
        if (const auto version = version_of(path))
            return {path, version->find("FUSE kernel interface") != std::string::npos};
    throw Error(name +
                ": sharing a folder needs virtiofsd, which is not installed; on Debian: apt "
                "install virtiofsd (Debian 12: qemu-system-common)");
}

/// A value among others that commas separate.
std::string escaped(const std::string& text)
{
    std::string result;
    for (const char letter : text) {
        if (letter == ',' || letter == '\\')
            result += '\\';
        result += letter;
    }
    return result;
}

std::vector<std::string> arguments_of(const Program& program, const std::string& folder,
                                      const std::string& sandbox, bool is_root)
{
    std::vector<std::string> arguments{program.path, "--fd=" + std::to_string(Child::kSocket)};
    if (program.is_qemus)
        arguments.insert(arguments.end(), {"-f", "-o", "source=" + escaped(folder), "-o",
                                           "sandbox=" + sandbox, "-o", "log_level=warn"});
    else
        arguments.insert(arguments.end(),
                         {"--shared-dir=" + folder, "--sandbox=" + sandbox, "--log-level=warn"});
    if (!is_root)
        arguments.emplace_back("--rlimit-nofile=0");  // as it is: Surroundings have raised it
    return arguments;
}

/// What virtiofsd lives in. Made before there is a child; enter() is for the child.
class Surroundings {
public:
    Surroundings(std::string folder, bool readonly, bool is_root)
        : folder_(std::move(folder)),
          readonly_(readonly),
          is_root_(is_root),
          uid_map_("0 " + std::to_string(::geteuid()) + " 1"),
          gid_map_("0 " + std::to_string(::getegid()) + " 1")
    {
    }

    /// Async-signal-safe. False, said on standard error, if the host does not do that.
    [[nodiscard]] bool enter() const noexcept
    {
        if (!is_root_ && !(become_root() && raise_files() && groups_.begin()))
            return say("user namespace");
        return !readonly_ || forbid_writing() || say("read-only mount");
    }

private:
    static bool say(const char* what) noexcept
    {
        ::dprintf(STDERR_FILENO, "%s: %s\n", what, ::strerrordesc_np(errno));
        return false;
    }
    static bool put(const char* file, const char* text) noexcept
    {
        const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
        const bool done = fd >= 0 && ::write(fd, text, ::strlen(text)) >= 0;
        const int error = errno;
        ::close(fd);
        errno = error;
        return done;
    }
    [[nodiscard]] bool become_root() const noexcept
    {
        return ::unshare(CLONE_NEWUSER) == 0 && put("/proc/self/setgroups", "deny") &&
               put("/proc/self/uid_map", uid_map_.c_str()) &&
               put("/proc/self/gid_map", gid_map_.c_str());
    }
    // Each file that a guest knows is open.
    static bool raise_files() noexcept
    {
        rlimit files{};
        if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
            return false;
        files.rlim_cur = files.rlim_max;
        return ::setrlimit(RLIMIT_NOFILE, &files) == 0;
    }
    [[nodiscard]] bool forbid_writing() const noexcept
    {
        mount_attr attributes{};
        attributes.attr_set = MOUNT_ATTR_RDONLY;
        const char* const folder = folder_.c_str();
        return ::unshare(CLONE_NEWNS) == 0 &&
               ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount(folder, folder, nullptr, MS_BIND | MS_REC, nullptr) == 0 &&
               ::syscall(SYS_mount_setattr, AT_FDCWD, folder, AT_RECURSIVE, &attributes,
                         sizeof attributes) == 0;
    }

    std::string folder_;
    bool readonly_;
    bool is_root_;
    std::string uid_map_;
    std::string gid_map_;
    // A user who gives up his groups would want rights for that which he does not have.
    Pretence groups_{SYS_setgroups};
};

/// A connection whose other end waits to be accepted, where nobody else can come first.
struct Rendezvous {
    Fd listener;
    Fd ours;
};

Rendezvous make_rendezvous()
{
    std::string folder = std::filesystem::temp_directory_path() / "gh-vmm-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr)
        throw_errno("make a folder such as " + folder);
    const std::string path = folder + "/socket";
    Rendezvous both;
    try {
        both.listener = listen_unix(path, SOCK_STREAM);
        both.ours = connect_unix(path, SOCK_STREAM);
    } catch (const Error&) {
        ::rmdir(folder.c_str());
        throw;
    }
    ::unlink(path.c_str());
    ::rmdir(folder.c_str());
    return both;
}

std::unique_ptr<VhostUser> start(const std::vector<std::string>& arguments,
                                 const Surroundings& surroundings)
{
    auto [listener, ours] = make_rendezvous();
    // What nobody reads must not stop it.
    Pipe messages = make_pipe(O_NONBLOCK);
    if (!messages)
        throw ChildError(errno);
    Child child({.arguments = arguments,
                 .socket = listener.get(),
                 .messages = messages.write_end.get(),
                 .own_session = true,
                 .prepare = [&] { return surroundings.enter(); }});
    // Now the child's end is ours to see.
    listener = Fd{};
    messages.write_end = Fd{};
    return std::make_unique<VhostUser>(
        std::move(ours), VhostUser::Options{.name = "virtiofsd",
                                            .process = std::move(child),
                                            .messages = std::move(messages.read_end)});
}

void check_folder(const std::string& name, const std::string& path)
{
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0)
        throw_errno(name + ": " + path);
    if (!S_ISDIR(status.st_mode))
        throw Error(name + ": " + path + " is no folder");
}

}  // namespace

std::unique_ptr<VhostUser> start_virtiofsd(const std::string& name, const std::string& path,
                                           bool readonly)
{
    check_folder(name, path);
    const Program program = find_program(name);
    const bool is_root = ::geteuid() == 0;
    const Surroundings surroundings(path, readonly, is_root);
    std::string said;
    for (const char* const sandbox : kSandboxes) {
        try {
            return start(arguments_of(program, path, sandbox, is_root), surroundings);
        } catch (const Error& error) {
            log(LogLevel::Info, "%s: sandbox=%s: %s", name.c_str(), sandbox, error.what());
            said += (said.empty() ? "" : "; ") + std::string(error.what());
        }
    }
    throw Error(name + ": " + path + " cannot be shared: " + said + "; " +
                (is_root ? "virtiofsd needs the right to make namespaces (CAP_SYS_ADMIN) or to "
                           "chroot(2)"
                         : "who is not root needs user namespaces for that "
                           "(user.max_user_namespaces)") +
                "; or start a virtiofsd elsewhere and name its \"socket\"");
}

std::unique_ptr<VhostUser> connect_vhost_user(const std::string& name, const std::string& path)
{
    Fd socket = connect_unix(path, SOCK_STREAM);
    if (!socket)
        throw Error(name + ": nobody listens at " + path + " (" + errno_text(errno) +
                    "); start virtiofsd --socket-path=" + path + " first");
    try {
        return std::make_unique<VhostUser>(std::move(socket),
                                           VhostUser::Options{.name = "the back-end at " + path});
    } catch (const Error& error) {
        throw Error(name + ": " + error.what());
    }
}

}  // namespace gh::virtio
