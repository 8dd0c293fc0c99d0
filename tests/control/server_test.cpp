// SPDX-License-Identifier: BSD-3-Clause
#include "control/server.h"

#include "../base/full_table.h"
#include "base/error.h"
#include "base/unix_socket.h"
#include "control/client.h"
#include "runtime_folder.h"

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::control {
namespace {

struct FakeVm : Target {
    Status status() override
    {
        Status status;
        status.name = "fake";
        return status;
    }
    std::string obey(const Request& request) override
    {
        ++obeyed;
        return request.command == Command::PowerButton ? "no button" : "";
    }
    std::atomic<int> obeyed{0};
};

/// A server in a thread of its own, as a VM's is.
struct Fixture : RuntimeFolder {
    explicit Fixture(Server::Kind kind = Server::Kind::Lines)
        : server(std::make_unique<Server>(poller, vm, path(), kind)),
          thread([this] { poller.run(); })
    {
    }
    ~Fixture() { end(); }
    void end()
    {
        poller.stop();
        if (thread.joinable())
            thread.join();
        server.reset();
    }
    [[nodiscard]] std::string path() const { return folder() + "/vm.sock"; }

    [[nodiscard]] Fd call(int type = SOCK_STREAM) const
    {
        Fd fd = connect_unix(path(), type);
        for (int tries = 0; !fd && errno == EAGAIN && tries < 10'000; ++tries) {
            std::this_thread::yield();  // the backlog is full
            fd = connect_unix(path(), type);
        }
        REQUIRE(fd);
        return fd;
    }
    static void say(const Fd& fd, const std::string& bytes)
    {
        REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    /// What comes next; empty at the end.
    static std::string hear(const Fd& fd)
    {
        pollfd readable{.fd = fd.get(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&readable, 1, 30'000) == 1);
        std::array<char, 8192> bytes{};
        const auto size = ::recv(fd.get(), bytes.data(), bytes.size(), 0);
        return {bytes.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
    }
    [[nodiscard]] bool answers() const
    {
        return status_from_json(Client(path()).ask({.command = Command::Status})).name == "fake";
    }

    FakeVm vm;
    Poller poller;
    std::unique_ptr<Server> server;
    std::thread thread;
};

struct PacketFixture : Fixture {
    PacketFixture() : Fixture(Server::Kind::Packets) {}
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a client asks, is answered, and asks again")
{
    Client client(path());
    CHECK(client.ask({.command = Command::Resume}) == "null");
    CHECK_THROWS_WITH_AS((void)client.ask({.command = Command::PowerButton}), "no button", Error);
    CHECK(status_from_json(client.ask({.command = Command::Status})).name == "fake");
    CHECK(vm.obeyed == 2);
}

TEST_CASE_FIXTURE(Fixture, "a line may come in pieces, and several at once, in their order")
{
    const Fd client = call();
    say(client, R"({"command":)");
    say(client, "\"resume\"}\n");
    CHECK(hear(client) == "{\"ok\":true}\n");
    say(client, "{\"command\":\"resume\"}\nnonsense\n{\"command\":\"powerbtn\"}\n");
    std::string all;
    while (std::count(all.begin(), all.end(), '\n') < 3)
        all += hear(client);
    CHECK(all.starts_with("{\"ok\":true}\n{\"ok\":false,\"error\":\"not a request"));
    CHECK(all.ends_with("{\"ok\":false,\"error\":\"no button\"}\n"));
}

TEST_CASE_FIXTURE(Fixture, "a line without end is refused, and its sender hung up on")
{
    const Fd client = call();
    say(client, std::string(kLongestRequest, 'x'));
    CHECK(hear(client).find("at most") != std::string::npos);
    CHECK(hear(client).empty());
    CHECK(answers());
}

TEST_CASE_FIXTURE(Fixture, "a client that goes in the middle of a line takes nobody along")
{
    for (int i = 0; i < 100; ++i)
        say(call(), R"({"command":"sta)");
    CHECK(answers());
}

TEST_CASE_FIXTURE(Fixture, "hundreds of silent clients make room for one that asks")
{
    std::vector<Fd> clients;
    for (int i = 0; i < 300; ++i)
        clients.push_back(call());
    CHECK(answers());
}

TEST_CASE_FIXTURE(Fixture, "who watches events is not sent away for others; more are told")
{
    std::vector<Fd> watchers;
    for (int i = 0; i < 64; ++i) {
        watchers.push_back(call());
        say(watchers.back(), "{\"command\":\"events\"}\n");
        CHECK(hear(watchers.back()).starts_with("{\"ok\":true"));
    }
    CHECK(hear(call()).find("too many connections") != std::string::npos);
    watchers.clear();
    std::string heard = "too many";
    while (heard.find("too many") != std::string::npos) {  // until the server has seen them go
        const Fd client = call();
        (void)::send(client.get(), "{}\n", 3, MSG_NOSIGNAL);
        heard = hear(client);
    }
    CHECK(answers());
}

TEST_CASE_FIXTURE(Fixture, "a client that asks and never reads is not read from, and harms nobody")
{
    const Fd client = call();
    const std::string line = "{\"command\":\"status\"}\n";
    for (int i = 0; i < 100'000; ++i)
        if (::send(client.get(), line.data(), line.size(), MSG_NOSIGNAL) < 0)
            break;
    CHECK(errno == EAGAIN);
    CHECK(answers());
}

TEST_CASE("a watcher that never reads loses its connection and not the VM's time")
{
    RuntimeFolder folder;
    Poller poller;
    FakeVm vm;
    Server server(poller, vm, folder.folder() + "/s", Server::Kind::Lines);
    const Fd lazy = connect_unix(server.path(), SOCK_STREAM);
    Fixture::say(lazy, "{\"command\":\"events\"}\n");
    std::thread thread([&] { poller.run(); });
    CHECK(Fixture::hear(lazy).starts_with("{\"ok\":true"));
    poller.stop();
    thread.join();
    for (int i = 0; i < 20'000; ++i)  // returns at all, though nobody reads
        server.publish(R"({"event":"running"})");
    std::string last = "x";
    std::size_t size = 0;
    while (!(last = Fixture::hear(lazy)).empty())
        size += last.size();
    CHECK(size < 20'000 * 20);
}

TEST_CASE_FIXTURE(Fixture,
                  "crosvm's strings are answered as they came, with or without a line feed")
{
    const Fd client = call();
    say(client, R"("SuspendVcpus")");
    CHECK(hear(client) == R"("Ok")");
    say(client, "\"ResumeVcpus\"\n");
    CHECK(hear(client) == "\"Ok\"\n");
    say(client, R"("Powerbtn")");
    CHECK(hear(client) == R"({"Err":"no button"})");
}

TEST_CASE_FIXTURE(PacketFixture, "a packet is a request, as crosvm's clients send them")
{
    const Fd client = call(SOCK_SEQPACKET);
    say(client, R"("Exit")");
    CHECK(hear(client) == R"("Ok")");
    say(client, std::string(10'000, 'x'));
    CHECK(hear(client).find("not a request") != std::string::npos);
    say(client, R"({"command":"status"})");
    CHECK(hear(client).starts_with("{\"ok\":true"));
}

TEST_CASE_FIXTURE(Fixture, "a full table of descriptors does not make the server spin or fail")
{
    const Fd waiting = call();
    say(waiting, "{\"command\":\"resume\"}\n");
    CHECK(hear(waiting) == "{\"ok\":true}\n");
    const Fd late{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::optional<FullTable> table(std::in_place);
    table->free_one();
    const Fd refused = connect_unix(path(), SOCK_STREAM);
    const bool connected = static_cast<bool>(refused);
    const std::string heard = connected ? hear(refused) : "";
    table.reset();
    CHECK(connected);
    CHECK(heard.empty());  // hung up on
    CHECK(answers());
}

TEST_CASE_FIXTURE(Fixture, "two servers cannot have one path; a gone one leaves nothing behind")
{
    Poller other;
    CHECK_THROWS_WITH_AS(Server(other, vm, path(), Server::Kind::Lines),
                         doctest::Contains("control socket"), Error);
    end();
    CHECK_FALSE(std::filesystem::exists(path()));
    CHECK_THROWS_WITH_AS(Client{path()}, doctest::Contains("gh-vmm list"), Error);
    const Server again(other, vm, path(), Server::Kind::Lines);
}

TEST_CASE_FIXTURE(RuntimeFolder, "a client does not believe a socket that another user listens at")
{
    if (::geteuid() != 0)
        return;  // nobody else can be played
    const std::string path = folder() + "/vm.sock";
    REQUIRE(::chmod(folder().c_str(), 0777) == 0);
    REQUIRE(::seteuid(65533) == 0);
    const mode_t before = ::umask(0);
    const Fd listener = listen_unix(path, SOCK_STREAM, 0666);
    ::umask(before);
    REQUIRE(::seteuid(0) == 0);
    CHECK_NOTHROW(Client{path});  // root may ask anybody
    REQUIRE(::seteuid(65534) == 0);
    CHECK_THROWS_WITH_AS(Client{path}, doctest::Contains("another user's"), Error);
    REQUIRE(::seteuid(0) == 0);
}

TEST_CASE_FIXTURE(RuntimeFolder, "what a VM says does not speak to the terminal")
{
    const std::string path = folder() + "/vm.sock";
    const Fd listener = listen_unix(path, SOCK_STREAM);
    Client client(path);
    const Fd vm{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    const std::string line = "{\"event\":\"\x1b[2J\"}\n";
    REQUIRE(::send(vm.get(), line.data(), line.size(), 0) == static_cast<ssize_t>(line.size()));
    CHECK(client.next_line() == "{\"event\":\"?[2J\"}");
}

}  // namespace gh::control
