// SPDX-License-Identifier: BSD-3-Clause
#include "base/child.h"

#include "base/pipe.h"
#include "base/pretence.h"

#include <array>
#include <cerrno>
#include <optional>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gh {
namespace {

ChildSetup shell(const std::string& script)
{
    return {.arguments = {"sh", "-c", script}};
}

}  // namespace

TEST_CASE("a child's standard error and its status come back; it reads and prints nothing")
{
    const Ended ended = run_child(shell("echo lost; cat; echo said >&2; exit 7"));
    CHECK(ended.said == "said\n");
    CHECK(WIFEXITED(ended.status));
    CHECK(WEXITSTATUS(ended.status) == 7);
}

TEST_CASE("a child has the socket as descriptor 3, and nothing else of ours")
{
    const Pipe of_ours = make_pipe();
    REQUIRE(of_ours);
    std::array<int, 2> pair{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
    const Fd ours{pair[0]};
    const Fd theirs{pair[1]};
    REQUIRE(::write(ours.get(), "through\n", 8) == 8);
    REQUIRE(::shutdown(ours.get(), SHUT_WR) == 0);
    auto setup = shell("cat <&3 >&2; ls -l /proc/self/fd | grep -c -e socket -e pipe >&2");
    setup.socket = theirs.get();
    // the socket, standard error, and the pipe between the shell's two commands
    CHECK(run_child(setup).said == "through\n3\n");
}

TEST_CASE("a program that is not there is the host's errno")
{
    try {
        const Child child({.arguments = {"/nonexistent/program"}});
        FAIL("it was started");
    } catch (const ChildError& error) {
        CHECK(error.code() == ENOENT);
    }
}

TEST_CASE("a child that cannot prepare does not become the program")
{
    auto setup = shell("echo no >&2");
    setup.prepare = [] { return ::write(STDERR_FILENO, "why", 3) < 0; };
    const Ended ended = run_child(setup);
    CHECK(ended.said == "why");
    CHECK(WEXITSTATUS(ended.status) == 1);
}

TEST_CASE("a child in a session of its own is the first of its group")
{
    auto setup = shell("read -r pid name state parent group rest </proc/$$/stat; test $group = $$");
    CHECK(run_child(setup).status != 0);
    setup.own_session = true;
    CHECK(run_child(setup).status == 0);
}

TEST_CASE("whoever kills a child does not wait for it")
{
    Pipe messages = make_pipe();
    REQUIRE(messages);
    auto setup = shell("exec sleep 1000");
    setup.messages = messages.write_end.get();
    Child child(setup);
    messages.write_end = Fd{};
    child.kill();
    CHECK(read_all(messages.read_end.get()).empty());
}

TEST_CASE("a pretence says that all went well, and does nothing")
{
    if (::prctl(PR_GET_SECCOMP) < 0)
        return;  // qemu-user has no filters
    const Pretence pretence{SYS_mkdirat,
#ifdef SYS_mkdir
                            SYS_mkdir,
#endif
                            SYS_chdir};
    auto setup = shell(
        "mkdir /made-by-a-test && test ! -e /made-by-a-test && cd / && "
        "echo still working >&2");
    setup.prepare = [&] { return pretence.begin(); };
    const Ended ended = run_child(setup);
    CHECK(ended.said == "still working\n");
    CHECK(ended.status == 0);
}

}  // namespace gh
