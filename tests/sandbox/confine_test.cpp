// SPDX-License-Identifier: BSD-3-Clause
#include "sandbox/confine.h"

#include "base/fd.h"
#include "base/log.h"
#include "sandbox/capabilities.h"
#include "sandbox/landlock.h"
#include "sandbox/system_calls.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::sandbox {
namespace {

constexpr int kUncaught = 254;
constexpr int kKilled = 255;

/// What `body` returns in a child process, 0 to 253; confinement is for good.
int in_child(const std::function<int()>& body)
{
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        try {
            ::_exit(body());
        } catch (const std::exception& error) {
            (void)std::fprintf(stderr, "child: %s\n", error.what());
            ::_exit(kUncaught);
        }
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : kKilled;
}

bool has_seccomp()
{
    return ::prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

/// errno of a system call, in a child that may make only those of a running VM.
template <class... Arguments>
int error_of(long number, Arguments... arguments)
{
    return in_child([&] {
        set_log_level(LogLevel::Error);
        restrict_system_calls();
        return ::syscall(number, arguments...) < 0 ? errno : 0;
    });
}

/// A folder that goes with the test.
struct Folder {
    std::string path;
    Folder()
    {
        std::string name = (std::filesystem::temp_directory_path() / "gh-sandbox-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }

    [[nodiscard]] std::string file(const std::string& name) const
    {
        std::ofstream(path + "/" + name) << "text";
        return path + "/" + name;
    }
};

int open_error(const std::string& path, int flags)
{
    const Fd file{::open(path.c_str(), flags | O_CLOEXEC, 0600)};
    return file ? 0 : errno;
}

/// What body returns in a child that may open only `files`.
int with_files(const std::vector<Policy::File>& files, const std::function<int()>& body)
{
    return in_child([&] {
        Landlock landlock;
        for (const auto& [path, use] : files)
            landlock.allow(path, use);
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
            return kUncaught;
        landlock.enter();
        return body();
    });
}

}  // namespace

TEST_CASE("system calls that no running VM needs are refused, and end nothing")
{
    if (!has_seccomp())
        return;
    int number = 0;
    for (const long forbidden : {SYS_execve,
                                 SYS_execveat,
                                 SYS_ptrace,
                                 SYS_mount,
                                 SYS_umount2,
                                 SYS_pivot_root,
                                 SYS_chroot,
                                 SYS_init_module,
                                 SYS_finit_module,
                                 SYS_delete_module,
                                 SYS_setuid,
                                 SYS_setgid,
                                 SYS_setresuid,
                                 SYS_setgroups,
                                 SYS_capset,
                                 SYS_bpf,
                                 SYS_keyctl,
                                 SYS_add_key,
                                 SYS_request_key,
                                 SYS_open_by_handle_at,
                                 SYS_userfaultfd,
                                 SYS_io_uring_setup,
                                 SYS_io_uring_register,
                                 SYS_perf_event_open,
                                 SYS_kexec_load,
                                 SYS_reboot,
                                 SYS_unshare,
                                 SYS_setns,
                                 SYS_seccomp,
                                 SYS_personality,
                                 SYS_process_vm_writev,
                                 SYS_pidfd_getfd,
                                 SYS_pidfd_open,
                                 SYS_kill,
                                 SYS_tkill,
                                 SYS_swapon,
                                 SYS_sethostname,
                                 SYS_settimeofday,
                                 SYS_clock_settime,
                                 SYS_mknodat,
                                 SYS_fchmodat,
                                 SYS_fchownat,
                                 SYS_fanotify_init,
                                 SYS_move_mount,
                                 SYS_open_tree}) {
        number = static_cast<int>(forbidden);
        CAPTURE(number);
        CHECK(error_of(forbidden, 0, 0, 0, 0, 0, 0) == EPERM);
    }
}

TEST_CASE("a refused call is told by its name and arguments, once")
{
    if (!has_seccomp())
        return;
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const Fd said{ends[0]};
    {
        const Fd say{ends[1]};
        CHECK(in_child([&] {
                  (void)::dup2(say.get(), STDERR_FILENO);
                  restrict_system_calls();
                  for (int i = 0; i < 2; ++i)
                      if (::syscall(SYS_socket, AF_INET, SOCK_STREAM, 6) >= 0 || errno != EPERM)
                          return 1;
                  std::thread([] { (void)::chdir("/"); }).join();
                  return 0;
              }) == 0);
    }
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(said.get(), bytes.data(), bytes.size());
    REQUIRE(count > 0);
    const std::string text(bytes.data(), static_cast<std::size_t>(count));
    CHECK(std::count(text.begin(), text.end(), '\n') == 2);
    CHECK(text.find("refused the system call socket (" + std::to_string(SYS_socket) +
                    "; 0x2, 0x1, 0x6)") != std::string::npos);
    CHECK(text.find("refused the system call chdir (") != std::string::npos);
}

TEST_CASE("a filtered process still starts threads, reads its own memory and signals itself")
{
    if (!has_seccomp())
        return;
    CHECK(in_child([] {
              restrict_system_calls();
              int answer = 0;
              std::thread([&] {
                  ::pthread_setname_np(::pthread_self(), "thread");
                  answer = 42;
              }).join();
              (void)::signal(SIGUSR1, SIG_IGN);
              if (::raise(SIGUSR1) != 0 || ::pthread_kill(::pthread_self(), SIGUSR1) != 0)
                  return 1;
              iovec own{&answer, sizeof answer};
              if (::process_vm_readv(::getpid(), &own, 1, &own, 1, 0) != sizeof answer)
                  return 2;
              return answer;
          }) == 42);
}

TEST_CASE("a filtered process starts no process and signals no other")
{
    if (!has_seccomp())
        return;
    CHECK(in_child([] {
              restrict_system_calls();
              const pid_t child = ::fork();
              if (child == 0)
                  ::_exit(0);
              return child < 0 ? errno : 0;
          }) == EPERM);
    CHECK(error_of(SYS_tgkill, ::getpid(), ::getpid(), 0) == EPERM);
    CHECK(error_of(SYS_prlimit64, ::getpid(), 0, nullptr, nullptr) == EPERM);
}

TEST_CASE("no memory is writable and executable at once, however it comes about")
{
    if (!has_seccomp())
        return;
    constexpr int kAnonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    CHECK(in_child([] {
              restrict_system_calls();
              if (::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, kAnonymous, -1, 0) !=
                      MAP_FAILED ||
                  errno != EPERM)
                  return 1;
              void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, kAnonymous, -1, 0);
              if (page == MAP_FAILED)
                  return 2;
              if (::mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0 || errno != EPERM)
                  return 3;
              return ::mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 ? 0 : 4;
          }) == 0);
}

TEST_CASE("sockets are of this host alone, and nothing is typed into a terminal")
{
    if (!has_seccomp())
        return;
    CHECK(error_of(SYS_socket, AF_UNIX, SOCK_STREAM, 0) == 0);
    for (const int family : {AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_VSOCK})
        CHECK(error_of(SYS_socket, family, SOCK_STREAM, 0) == EPERM);
    CHECK(error_of(SYS_ioctl, 0, TIOCSTI, "x") == EPERM);
    CHECK(error_of(SYS_ioctl, -1, TCGETS, nullptr) == EBADF);
    CHECK(error_of(SYS_fcntl, 0, F_SETOWN, 1) == EPERM);
}

TEST_CASE("who listens at a unix socket is called only by a VM that has whom to call")
{
    if (!has_seccomp())
        return;
    const auto error = [](const Reach& reach) {
        return in_child([&] {
            set_log_level(LogLevel::Error);
            restrict_system_calls(reach);
            return ::connect(-1, nullptr, 0) == 0 ? 0 : errno;
        });
    };
    CHECK(error({}) == EPERM);
    CHECK(error({.call = true}) == EBADF);
    for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET})
        CHECK(error_of(SYS_socket, AF_UNIX, type | SOCK_CLOEXEC, 0) == EPERM);
}

TEST_CASE("no peer, no terminal and no number leads to another process")
{
    if (!has_seccomp())
        return;
    constexpr int kPassPidfd = 76;  // SO_PASSPIDFD and SO_PEERPIDFD, Linux 6.5
    constexpr int kPeerPidfd = 77;
    CHECK(error_of(SYS_getsockopt, -1, SOL_SOCKET, kPeerPidfd, nullptr, nullptr) == EPERM);
    CHECK(error_of(SYS_setsockopt, -1, SOL_SOCKET, kPassPidfd, nullptr, 0) == EPERM);
    CHECK(error_of(SYS_getsockopt, -1, SOL_SOCKET, SO_PEERCRED, nullptr, nullptr) == EBADF);
    CHECK(error_of(SYS_setsockopt, -1, IPPROTO_TCP, TCP_NODELAY, nullptr, 0) == EBADF);
    CHECK(error_of(SYS_pidfd_send_signal, -1, SIGKILL, nullptr, 0) == EPERM);
    CHECK(error_of(SYS_fcntl, -1, F_SETFL, O_ASYNC | O_NONBLOCK) == EPERM);
    CHECK(error_of(SYS_fcntl, -1, F_SETFL, O_NONBLOCK) == EBADF);
    CHECK(error_of(SYS_setpriority, PRIO_USER, 0, 0) == EPERM);
    CHECK(error_of(SYS_setpriority, PRIO_PROCESS, ::getpid(), 0) == EPERM);
    CHECK(error_of(SYS_setpriority, PRIO_PROCESS, 0, 0) == 0);
    CHECK(error_of(SYS_sched_setaffinity, ::getpid(), 0, nullptr) == EPERM);
    CHECK(error_of(SYS_sched_setaffinity, 0, 0, nullptr) != EPERM);
}

TEST_CASE("of children that there are a VM ends its own, by no other signal")
{
    if (!has_seccomp())
        return;
    const auto error = [](int signal) {
        return in_child([&] {
            set_log_level(LogLevel::Error);
            restrict_system_calls({.end_children = true});
            return ::syscall(SYS_pidfd_send_signal, -1, signal, nullptr, 0) == 0 ? 0 : errno;
        });
    };
    CHECK(error(SIGKILL) == EBADF);
    CHECK(error(SIGTERM) == EPERM);
}

TEST_CASE("a disk's file does not become a program that runs as its owner")
{
    if (!has_seccomp())
        return;
    CHECK(error_of(SYS_fchmod, -1, 0600) == EBADF);
    CHECK(error_of(SYS_fchmod, -1, 04755) == EPERM);
    CHECK(error_of(SYS_fchmod, -1, 02755) == EPERM);
}

TEST_CASE("only the files that were named can be opened, and only as they were")
{
    if (landlock_version() == 0)
        return;
    const Folder folder;
    const std::string read = folder.file("read");
    const std::string write = folder.file("write");
    const std::string other = folder.file("other");
    const std::vector<Policy::File> files{{read, FileUse::Read},
                                          {write, FileUse::ReadWrite},
                                          {folder.path + "/missing", FileUse::Read}};
    const auto error = [&](const std::string& path, int flags) {
        return with_files(files, [&] { return open_error(path, flags); });
    };
    CHECK(error(read, O_RDONLY) == 0);
    CHECK(error(read, O_RDWR) == EACCES);
    CHECK(error(write, O_RDWR) == 0);
    CHECK(error(write, O_WRONLY | O_TRUNC) == 0);
    CHECK(error(other, O_RDONLY) == EACCES);
    CHECK(error("/etc/passwd", O_RDONLY) == EACCES);
    CHECK(error(folder.path, O_RDONLY | O_DIRECTORY) == EACCES);
    CHECK(error(folder.path + "/new", O_WRONLY | O_CREAT) == EACCES);
    CHECK(with_files(files, [&] { return ::unlink(read.c_str()) == 0 ? 0 : errno; }) == EACCES);
}

TEST_CASE("a file that is open stays so, and pipes and memfds need no rule")
{
    if (landlock_version() == 0)
        return;
    const Folder folder;
    const Fd open{::open(folder.file("open").c_str(), O_RDWR | O_CLOEXEC)};
    const Fd memory = make_memfd("test", 4096);
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const Fd out{ends[0]};
    const Fd in{ends[1]};
    const auto again = [](const Fd& fd) { return "/proc/self/fd/" + std::to_string(fd.get()); };
    CHECK(with_files({{again(in), FileUse::ReadWrite}}, [&] {
              if (::pwrite(open.get(), "x", 1, 0) != 1 || ::ftruncate(open.get(), 1) != 0)
                  return 1;
              if (open_error(again(memory), O_RDWR) != 0)
                  return 2;
              return open_error(again(in), O_WRONLY);
          }) == 0);
}

TEST_CASE("a folder for sockets takes sockets, and one for links links, and nothing else")
{
    if (landlock_version() == 0)
        return;
    const Folder folder;
    const auto bind_in = [&] {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        (folder.path + "/socket").copy(&address.sun_path[0], sizeof address.sun_path - 1);
        const Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        const void* where = &address;
        return ::bind(socket.get(), static_cast<const sockaddr*>(where), sizeof address) == 0
                   ? 0
                   : errno;
    };
    const auto link_in = [&] {
        return ::symlink("target", (folder.path + "/link").c_str()) == 0 ? 0 : errno;
    };
    const auto remove_socket = [&] {
        return ::unlink((folder.path + "/socket").c_str()) == 0 ? 0 : errno;
    };
    const std::vector<Policy::File> sockets{{folder.path, FileUse::MakeSockets}};
    const std::vector<Policy::File> links{{folder.path, FileUse::MakeLinks}};
    CHECK(with_files(sockets, bind_in) == 0);
    CHECK(with_files(sockets, remove_socket) == 0);
    CHECK(with_files(sockets, link_in) == EACCES);
    CHECK(with_files(links, link_in) == 0);
    CHECK(with_files(links, bind_in) == EACCES);
    CHECK(with_files(sockets, [&] {
              return open_error(folder.path + "/file", O_WRONLY | O_CREAT);
          }) == EACCES);
}

TEST_CASE("abstract sockets of others are not called, and one that was called stays so")
{
    constexpr int kScopes = 6;  // the version that brings them
    if (landlock_version() < kScopes)
        return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "gh-sandbox-test-" + std::to_string(::getpid());
    name.copy(&address.sun_path[1], sizeof address.sun_path - 2);
    const void* where = &address;
    const auto* const there = static_cast<const sockaddr*>(where);
    const Fd listener{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::bind(listener.get(), there, sizeof address) == 0);
    const auto call = [&](const Fd& socket) {
        return ::connect(socket.get(), there, sizeof address) == 0 ? 0 : errno;
    };
    const Fd before{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    REQUIRE(call(before) == 0);
    CHECK(with_files({}, [&] {
              return call(Fd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)});
          }) == EPERM);
    CHECK(with_files({}, [&] { return ::send(before.get(), "x", 1, 0) == 1 ? 0 : errno; }) == 0);
}

TEST_CASE("capabilities go, but for the kept that were there")
{
    const auto effective = [] {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        std::array<__user_cap_data_struct, 2> sets{};
        (void)::syscall(SYS_capget, &header, sets.data());
        return sets;
    };
    const bool had = (effective()[0].permitted >> CAP_IPC_LOCK & 1) != 0;
    CHECK(in_child([&] {
              drop_capabilities({CAP_IPC_LOCK});
              const auto sets = effective();
              const std::uint32_t kept = had ? 1u << CAP_IPC_LOCK : 0;
              return sets[0].effective == kept && sets[0].permitted == kept &&
                             sets[0].inheritable == 0 && sets[1].permitted == 0
                         ? 0
                         : 1;
          }) == 0);
    CHECK(in_child([&] {
              drop_capabilities({});
              const auto sets = effective();
              return sets[0].permitted == 0 && sets[1].permitted == 0 ? 0 : 1;
          }) == 0);
}

TEST_CASE("a confined process says what its kernel lacks; threads that it starts have the rest")
{
    const bool files = landlock_version() != 0;
    const bool calls = has_seccomp();
    CHECK(in_child([&] {
              const auto missing = confine({});
              if (missing.size() != (files ? 0u : 1u) + (calls ? 0u : 1u))
                  return 1;
              int result = 0;
              std::thread([&] {
                  if (files && open_error("/etc/passwd", O_RDONLY) != EACCES)
                      result = 2;
                  else if (calls && (::chdir("/") == 0 || errno != EPERM))
                      result = 3;
              }).join();
              return result;
          }) == 0);
}

}  // namespace gh::sandbox
