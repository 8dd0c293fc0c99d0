// SPDX-License-Identifier: BSD-3-Clause
#include "sandbox/system_calls.h"

#include "sandbox/refusals.h"
#include "sandbox/syscall_filter.h"

#include <array>
#include <csignal>

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::sandbox {
namespace {

constexpr std::uint64_t kInt = 0xffff'ffff;  // an argument of 32 bits

// Names that one architecture lacks (open, stat, poll) do no harm on it.
constexpr std::array kAllowed{
    // files: which ones is Landlock's to say
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "lseek", "fsync", "fdatasync", "sync_file_range", "ftruncate", "fallocate",
    "fadvise64", "flock", "open", "openat", "close", "close_range", "dup", "dup2", "dup3", "stat",
    "lstat", "fstat", "newfstatat", "statx", "statfs", "fstatfs", "access", "faccessat",
    "faccessat2", "readlink", "readlinkat", "getcwd", "getdents64", "unlink", "unlinkat", "symlink",
    "sendfile", "symlinkat", "mkdir", "mkdirat", "umask",
    // memory
    "brk", "munmap", "mremap", "madvise", "mincore", "msync", "mlock", "munlock", "memfd_create",
    // threads
    "exit", "exit_group", "futex", "set_robust_list", "rseq", "set_tid_address", "gettid", "getpid",
    "getppid", "getcpu", "membarrier", "sched_yield", "sched_getaffinity", "sched_getparam",
    "sched_getscheduler", "getpriority",
    // signals; those to others are refused below
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "rt_sigpending",
    "rt_sigsuspend", "sigaltstack", "restart_syscall", "pause",
    // children that there are: virtiofsd
    "wait4",
    // time
    "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "gettimeofday", "time",
    "timerfd_create", "timerfd_settime", "timerfd_gettime",
    // waiting
    "poll", "ppoll", "select", "pselect6", "epoll_create1", "epoll_ctl", "epoll_wait",
    "epoll_pwait", "epoll_pwait2", "eventfd2", "signalfd4", "pipe2",
    // with rings that are there: what one does no filter sees, so they are restricted themselves
    "io_uring_enter",
    // sockets; of which family is said below
    "bind", "listen", "accept", "accept4", "getsockname", "getpeername", "sendto", "recvfrom",
    "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown",
    // itself and the host
    "getrandom", "uname", "sysinfo", "getrusage", "getrlimit", "setrlimit", "getuid", "geteuid",
    "getgid", "getegid", "getpgrp", "getpgid"};

// Of terminals, disks and network devices; none that types into a terminal (TIOCSTI, TIOCLINUX).
constexpr std::array<std::uint64_t, 24> kIoctls{
    TCGETS,     TCSETS,       TCSETSW,  TCSETSF,    TCGETS2,    TCSETS2,
    TCSETSW2,   TCSETSF2,     TCFLSH,   TIOCGPGRP,  TIOCGWINSZ, TIOCGPTN,
    TIOCSPTLCK, TIOCGPTPEER,  FIONREAD, FIONBIO,    FIOCLEX,    BLKSSZGET,
    BLKPBSZGET, BLKGETSIZE64, BLKROGET, BLKDISCARD, BLKZEROOUT, TUNSETOFFLOAD};
constexpr std::array<std::uint64_t, 2> kTypesOfGunyah{0x47, 0x41};  // 'G' and Android's 'A'

// Not F_SETOWN and its like, by which the kernel signals others.
constexpr std::array<std::uint64_t, 14> kFcntls{
    F_DUPFD,     F_GETFD,     F_SETFD,         F_GETFL,     F_GETLK,
    F_SETLK,     F_SETLKW,    F_OFD_GETLK,     F_OFD_SETLK, F_OFD_SETLKW,
    F_ADD_SEALS, F_GET_SEALS, F_DUPFD_CLOEXEC, F_GETPIPE_SZ};

// Not those that make a descriptor of another process (SO_PEERPIDFD, SO_PASSPIDFD).
constexpr std::array<std::uint64_t, 5> kSocketOptions{SO_TYPE, SO_ERROR, SO_PEERCRED, SO_SNDBUF,
                                                      SO_RCVBUF};

void allow_files(SyscallFilter& filter)
{
    for (const std::uint64_t request : kIoctls)
        filter.on("ioctl", Action::Allow, {{1, kInt, request}});
    for (const std::uint64_t type : kTypesOfGunyah)
        filter.on("ioctl", Action::Allow, {{1, 0xff00, type << 8}});
    for (const std::uint64_t command : kFcntls)
        filter.on("fcntl", Action::Allow, {{1, kInt, command}});
    // A terminal's O_ASYNC makes its foreground processes the ones to signal.
    filter.on("fcntl", Action::Allow, {{1, kInt, F_SETFL}, {2, O_ASYNC, 0}});
    // A disk whose bytes are the guest's is nobody's set-user-ID program.
    filter.on("fchmod", Action::Allow, {{1, S_ISUID | S_ISGID, 0}});
}

/// Streams: the one socket that names whom it sends to is the service manager's.
void allow_sockets(SyscallFilter& filter, const Reach& reach)
{
    constexpr std::uint64_t kType = 0xf;
    for (const char* call : {"socket", "socketpair"})
        filter.on(call, Action::Allow, {{0, kInt, AF_UNIX}, {1, kType, SOCK_STREAM}});
    for (const std::uint64_t option : kSocketOptions)
        filter.on("getsockopt", Action::Allow, {{1, kInt, SOL_SOCKET}, {2, kInt, option}});
    // GDB's connection is asked for that whatever it is.
    filter.on("setsockopt", Action::Allow, {{1, kInt, IPPROTO_TCP}, {2, kInt, TCP_NODELAY}});
    if (reach.call)
        filter.on("connect", Action::Allow);
    if (!reach.internet)
        return;
    filter.on("socket", Action::Allow, {{0, kInt, AF_INET}, {1, kType, SOCK_STREAM}});
    filter.on("setsockopt", Action::Allow, {{1, kInt, SOL_SOCKET}, {2, kInt, SO_REUSEADDR}});
}

/// Writable or executable or neither.
void allow_memory(SyscallFilter& filter)
{
    constexpr std::uint64_t kBoth = PROT_WRITE | PROT_EXEC;
    constexpr std::array<std::uint64_t, 3> kGood{PROT_NONE, PROT_WRITE, PROT_EXEC};
    for (const char* call : {"mmap", "mprotect"})
        for (const std::uint64_t good : kGood)
            filter.on(call, Action::Allow, {{2, kBoth, good}});
}

/// Threads but no processes, and signals to itself and to children that there are.
void allow_processes(SyscallFilter& filter, const Reach& reach)
{
    const auto self = static_cast<std::uint64_t>(::getpid());
    filter.on("clone", Action::Allow, {{0, CLONE_THREAD, CLONE_THREAD}});
    // The C library makes processes with all signals blocked.
    filter.on("clone", Action::Refuse, {{0, CLONE_THREAD, 0}});
    filter.on("clone3", Action::Allow);  // but see refuse_clone3
    filter.on("tgkill", Action::Allow, {{0, kInt, self}});
    filter.on("process_vm_readv", Action::Allow, {{0, kInt, self}});
    for (const std::uint64_t whose : {std::uint64_t{0}, self})
        filter.on("prlimit64", Action::Allow, {{0, kInt, whose}});
    if (reach.end_children)
        filter.on("pidfd_send_signal", Action::Allow, {{1, kInt, SIGKILL}});
    // The calling thread; by a number it could be anybody's.
    filter.on("sched_setaffinity", Action::Allow, {{0, kInt, 0}});
    filter.on("setpriority", Action::Allow, {{0, kInt, PRIO_PROCESS}, {1, kInt, 0}});
    for (const std::uint64_t option : {std::uint64_t{PR_SET_NAME}, std::uint64_t{PR_GET_NAME}})
        filter.on("prctl", Action::Allow, {{0, kInt, option}});
}

/// Its flags are in memory, where no filter sees them. The C library tries it for each thread
/// before it calls clone, which is nothing to tell.
void refuse_clone3()
{
    SyscallFilter filter(Action::Allow, Action::Allow);
    filter.on("clone3", Action::Deny);
    filter.install(SyscallFilter::Tell::Nothing);
}

}  // namespace

void restrict_system_calls(const Reach& reach)
{
    refuse_clone3();
    tell_refusals();
    SyscallFilter filter(Action::Trap, Action::Refuse);
    for (const char* call : kAllowed)
        filter.on(call, Action::Allow);
    allow_files(filter);
    allow_memory(filter);
    allow_processes(filter, reach);
    allow_sockets(filter, reach);
    filter.install(SyscallFilter::Tell::Refusals);
}

}  // namespace gh::sandbox
