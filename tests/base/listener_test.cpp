// SPDX-License-Identifier: BSD-3-Clause
#include "base/listener.h"

#include "base/unix_socket.h"
#include "full_table.h"

#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <poll.h>
#include <stdlib.h>
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
    std::vector<Fd> callers;
    for (int i = 0; i < 3; ++i)
        callers.push_back(connect_unix(path, SOCK_STREAM));
    std::optional<FullTable> table(std::in_place);
    const bool refused = !listener.accept();
    const int error = errno;
    const bool again = !listener.accept();
    table->free_one();
    const Fd taken = listener.accept();
    table.reset();
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
