// SPDX-License-Identifier: BSD-3-Clause
#include "machine/daemon.h"

#include "base/error.h"
#include "base/pipe.h"

#include <cstdlib>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh::machine {
namespace {

pid_t fork_or_throw()
{
    const pid_t pid = ::fork();
    if (pid < 0)
        throw_errno("fork");
    return pid;
}

// In the process that was called: nothing of the VM's is here, so nothing is to be cleaned up.
[[noreturn]] void wait_and_exit(const Pipe& pipe)
{
    char word = 0;
    ssize_t count = 0;
    do
        count = ::read(pipe.read_end.get(), &word, 1);
    while (count < 0 && errno == EINTR);
    ::_exit(count == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

void replace(int descriptor, const Fd& by)
{
    if (::dup2(by.get(), descriptor) < 0)
        throw_errno("dup2");
}

Fd open_log(const std::string& path)
{
    Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640)};
    if (!file)
        throw_errno("open " + path);
    return file;
}

}  // namespace

Daemon::Daemon(const std::string& pid_file, const std::string& log_file)
{
    Pipe pipe = make_pipe();
    if (!pipe)
        throw_errno("pipe");
    if (const pid_t child = fork_or_throw(); child != 0) {
        pipe.write_end = Fd{};
        (void)::waitpid(child, nullptr, 0);
        wait_and_exit(pipe);
    }
    if (::setsid() < 0)
        throw_errno("setsid");
    // Not a session's leader, no terminal can become ours.
    if (fork_or_throw() != 0)
        ::_exit(EXIT_SUCCESS);
    tell_ = std::move(pipe.write_end);
    replace(STDIN_FILENO, open_file("/dev/null", O_RDONLY));
    null_ = open_file("/dev/null", O_RDWR);
    if (!log_file.empty())
        log_ = open_log(log_file);
    if (!pid_file.empty())
        open_pid_file(pid_file);
}

// One that is there is another daemon's until we run.
void Daemon::open_pid_file(const std::string& path)
{
    constexpr int kMode = 0644;
    pid_ = Fd{::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode)};
    if (pid_)
        pid_file_ = path;
    else
        pid_ = open_file(path, O_WRONLY);
    pid_path_ = path;
}

Daemon::~Daemon()
{
    if (!pid_file_.empty())
        (void)::unlink(pid_file_.c_str());
}

void Daemon::running()
{
    if (pid_) {
        const std::string pid = std::to_string(::getpid()) + "\n";
        if (::ftruncate(pid_.get(), 0) != 0 ||
            ::write(pid_.get(), pid.data(), pid.size()) != static_cast<ssize_t>(pid.size()))
            throw_errno("write " + pid_path_);
        pid_file_ = pid_path_;
    }
    replace(STDOUT_FILENO, null_);
    replace(STDERR_FILENO, log_ ? log_ : null_);
    constexpr char kRunning = 1;
    [[maybe_unused]] const auto told = ::write(tell_.get(), &kRunning, 1);
    tell_ = Fd{};
}

}  // namespace gh::machine
