// SPDX-License-Identifier: BSD-3-Clause
#include "base/listener.h"

#include "base/unix_socket.h"

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh {
namespace {

struct Fixture {
    ~Fixture()
    {
        (void)::unlink(path.c_str());
        (void)::rmdir(folder.data());
    }
    [[nodiscard]] bool is_readable() const
    {
        pollfd state{.fd = listener.get(), .events = POLLIN, .revents = 0};
        return ::poll(&state, 1, 0) == 1;
    }

    std::array<char, 32> folder{"/tmp/gh-listener-test-XXXXXX"};
    std::string path = std::string(::mkdtemp(folder.data())) + "/socket";
    Listener listener{listen_unix(path, SOCK_STREAM)};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "callers are taken one by one, and nobody is EAGAIN")
{
    const Fd first = connect_unix(path, SOCK_STREAM);
    CHECK(listener.accept());
    CHECK_FALSE(listener.accept());
    CHECK(errno == EAGAIN);
}

TEST_CASE_FIXTURE(Fixture,
                  "without a descriptor left a caller is hung up on, and the next is taken")
{
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    std::vector<Fd> callers;
    for (int i = 0; i < 3; ++i)
        callers.push_back(connect_unix(path, SOCK_STREAM));
    std::vector<Fd> rest;
    rlimit tight = before;
    tight.rlim_cur = 64;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    for (Fd fd{::dup(0)}; fd; fd = Fd{::dup(0)})
        rest.push_back(std::move(fd));
    const bool refused = !listener.accept();
    const int error = errno;
    const bool again = !listener.accept();
    rest.pop_back();
    const Fd taken = listener.accept();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(refused);
    CHECK(error == EMFILE);
    CHECK(again);
    CHECK(taken);
    CHECK_FALSE(is_readable());
    char byte = 0;
    CHECK(::recv(callers[0].get(), &byte, 1, MSG_DONTWAIT) == 0);
    CHECK(::recv(callers[1].get(), &byte, 1, MSG_DONTWAIT) == 0);
    CHECK(::recv(callers[2].get(), &byte, 1, MSG_DONTWAIT) == -1);
}

}  // namespace gh
