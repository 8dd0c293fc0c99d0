// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/server.h"

#include "base/error.h"
#include "base/unix_socket.h"
#include "debugged.h"
#include "emulator/gdb/packet.h"

#include <array>
#include <filesystem>

#include <doctest/doctest.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::gdb {
namespace {

struct Fixture {
    Fixture() { call(); }

    void call()
    {
        client = connect_unix(path, SOCK_STREAM);
        REQUIRE(client);
    }
    void send(std::string_view text) const
    {
        REQUIRE(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(text.size()));
    }
    /// As many bytes as `expected` has.
    [[nodiscard]] std::string receive(std::size_t size) const
    {
        std::string text;
        while (text.size() < size) {
            pollfd event{.fd = client.get(), .events = POLLIN, .revents = 0};
            REQUIRE(::poll(&event, 1, 60'000) == 1);
            std::array<char, 256> bytes{};
            const ssize_t count =
                ::recv(client.get(), bytes.data(), std::min(bytes.size(), size - text.size()), 0);
            if (count <= 0)
                return text + "(closed)";
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
        return text;
    }
    void check_answer(std::string_view request, const std::string& answer) const
    {
        send(request);
        CHECK(receive(answer.size()) == answer);
    }

    std::string path =
        (std::filesystem::temp_directory_path() / ("gh-gdb-test-" + std::to_string(::getpid())))
            .string();
    Debugged guest;
    Server server{path, guest.debugger, {.kill = [] {}, .monitor = nullptr}};
    Fd client;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "packets are acknowledged until that is switched off")
{
    check_answer(frame("qC"), "+" + frame("QC1"));
    check_answer("+" + frame("QStartNoAckMode"), "+" + frame("OK"));
    check_answer("+" + frame("qC"), frame("QC1"));
}

TEST_CASE_FIXTURE(Fixture, "damage on the wire is mended")
{
    check_answer("$qC#00", "-");
    check_answer("-", "");
    check_answer(frame("qC"), "+" + frame("QC1"));
    check_answer("-", frame("QC1"));
}

TEST_CASE_FIXTURE(Fixture, "Ctrl-C stops what runs")
{
    check_answer(frame("vCont;c"), "+");
    const std::uint64_t before = guest.counted();
    while (guest.counted() < before + 1000)
        std::this_thread::yield();
    check_answer("\x03", frame("T02thread:1;"));
}

TEST_CASE_FIXTURE(Fixture, "a debugger that is gone leaves a guest that runs, for the next one")
{
    check_answer(frame("Z0,80000000,4"), "+" + frame("OK"));
    client = Fd{};
    const std::uint64_t before = guest.counted();
    while (guest.counted() < before + 1000)
        std::this_thread::yield();
    call();
    check_answer(frame("?"), "+" + frame("T02thread:1;"));
}

TEST_CASE_FIXTURE(Fixture, "the end of the VM ends the conversation")
{
    check_answer(frame("vCont;c"), "+");
    guest.vm->stop();
    CHECK(receive(frame("W00").size()) == frame("W00"));
    CHECK(receive(1) == "(closed)");
}

TEST_CASE("a server goes while its guest stands and somebody is connected")
{
    Debugged guest;
    const std::string path =
        (std::filesystem::temp_directory_path() / ("gh-gdb-gone-" + std::to_string(::getpid())))
            .string();
    Fd client;
    {
        const Server server(path, guest.debugger, {.kill = [] {}, .monitor = nullptr});
        client = connect_unix(path, SOCK_STREAM);
        REQUIRE(client);
    }
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a port of 127.0.0.1 is found, and what is neither port nor path is refused")
{
    Debugged guest;
    const Server server("0", guest.debugger, {.kill = [] {}, .monitor = nullptr});
    CHECK(server.address().starts_with("127.0.0.1:"));
    for (const char* bad : {"", "65536", "99999999999"})
        CHECK_THROWS_AS(Server(bad, guest.debugger, {.kill = [] {}, .monitor = nullptr}), Error);
}

}  // namespace gh::gdb
