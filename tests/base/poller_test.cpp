// SPDX-License-Identifier: BSD-3-Clause
#include "base/poller.h"

#include "base/pipe.h"

#include <thread>

#include <doctest/doctest.h>

#include <sys/epoll.h>
#include <unistd.h>

namespace gh {

TEST_CASE("a poller stopped before it runs returns at once")
{
    Poller poller;
    poller.stop();
    poller.run();
}

TEST_CASE("a handler hears what it asked for and may remove itself")
{
    Poller poller;
    const Pipe pipe = make_pipe();
    REQUIRE(::write(pipe.write_end.get(), "x", 1) == 1);
    int calls = 0;
    poller.add(pipe.read_end.get(), EPOLLIN, [&](std::uint32_t events) {
        CHECK((events & EPOLLIN) != 0);
        ++calls;
        poller.remove(pipe.read_end.get());
        poller.stop();
    });
    poller.run();
    CHECK(calls == 1);
}

TEST_CASE("a hang-up on a descriptor that is not watched at the moment does not spin")
{
    Poller poller;
    Pipe pipe = make_pipe();
    int calls = 0;
    poller.add(pipe.read_end.get(), EPOLLIN, [&](std::uint32_t) { ++calls; });
    poller.watch(pipe.read_end.get(), 0);
    pipe.write_end = Fd{};
    std::jthread later([&] {
        ::usleep(20'000);
        poller.stop();
    });
    poller.run();
    CHECK(calls == 0);
}

TEST_CASE("a regular file, which epoll refuses, counts as ready")
{
    Poller poller;
    const Fd file = make_memfd("test", 1);
    int calls = 0;
    poller.add(file.get(), EPOLLIN, [&](std::uint32_t) {
        if (++calls == 3)
            poller.stop();
    });
    poller.run();
    CHECK(calls == 3);
}

}  // namespace gh
