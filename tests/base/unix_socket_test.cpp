// SPDX-License-Identifier: BSD-3-Clause
#include "base/unix_socket.h"

#include "base/error.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace gh {
namespace {

struct Folder {
    Folder() { REQUIRE(::mkdtemp(name.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(name.data()); }
    [[nodiscard]] std::string socket() const { return std::string(name.data()) + "/socket"; }
    std::array<char, 32> name{"/tmp/gh-socket-XXXXXX"};
};

}  // namespace

TEST_CASE_FIXTURE(Folder, "a listener can be called, and its file has the mode that was asked for")
{
    const Fd listener = listen_unix(socket(), SOCK_STREAM, 0600);
    CHECK(connect_unix(socket(), SOCK_STREAM));
    struct stat status {};
    REQUIRE(::stat(socket().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE_FIXTURE(Folder, "a socket file without a listener is replaced")
{
    {
        const Fd dead = listen_unix(socket(), SOCK_STREAM);
    }
    CHECK_FALSE(connect_unix(socket(), SOCK_STREAM));
    CHECK(errno == ECONNREFUSED);
    const Fd listener = listen_unix(socket(), SOCK_STREAM);
    CHECK(connect_unix(socket(), SOCK_STREAM));
}

TEST_CASE_FIXTURE(Folder, "a socket that somebody listens at, and any other file, stays")
{
    const Fd listener = listen_unix(socket(), SOCK_SEQPACKET);
    CHECK_THROWS_WITH_AS((void)listen_unix(socket(), SOCK_SEQPACKET),
                         doctest::Contains(socket().c_str()), Error);
    const std::string file = socket() + "-file";
    (void)open_file(file, O_WRONLY | O_CREAT);
    CHECK_THROWS_AS((void)listen_unix(file, SOCK_STREAM), Error);
    CHECK(std::filesystem::exists(file));
}

TEST_CASE("a path that no address holds is named")
{
    CHECK_THROWS_WITH_AS((void)connect_unix("/" + std::string(200, 'x'), SOCK_STREAM),
                         doctest::Contains("use a shorter one"), Error);
}

}  // namespace gh
