// SPDX-License-Identifier: BSD-3-Clause
#include "devices/serial_link.h"

#include "base/error.h"
#include "base/pipe.h"
#include "devices/serial_port.h"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace gh {
namespace {

struct Folder {
    Folder() { REQUIRE(::mkdtemp(name.data()) != nullptr); }
    ~Folder() { (void)::rmdir(name.data()); }
    [[nodiscard]] std::string file(const char* leaf) const
    {
        return std::string(name.data()) + "/" + leaf;
    }
    std::array<char, 32> name{"/tmp/gh-serial-test-XXXXXX"};
};

std::string read_some(int fd)
{
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    (void)::poll(&ready, 1, 2000);
    std::array<char, 4096> bytes{};
    const ssize_t count = ::read(fd, bytes.data(), bytes.size());
    return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

// `count` bytes, however many reads they take; fewer if nothing more comes for two seconds.
std::string read_all(int fd, std::size_t count)
{
    std::string text;
    while (text.size() < count) {
        const std::string some = read_some(fd);
        if (some.empty())
            break;
        text += some;
    }
    return text;
}

// A guest's driver in a few lines, and the io thread.
struct Guest {
    explicit Guest(SerialLink& link, Poller& poller) : uart(irq, link), poller_(poller)
    {
        link.attach(uart);
        out(2, 0x01);
        out(1, 0x01);
    }
    ~Guest() { stop(); }
    void start()
    {
        io_ = std::thread([this] { poller_.run(); });
    }
    void stop()
    {
        poller_.stop();
        if (io_.joinable())
            io_.join();
    }
    void out(unsigned offset, unsigned value)
    {
        const std::scoped_lock lock(uart.door());
        uart.write({.offset = offset, .size = 1}, value);
    }
    std::uint8_t in(unsigned offset)
    {
        const std::scoped_lock lock(uart.door());
        return static_cast<std::uint8_t>(uart.read({.offset = offset, .size = 1}));
    }
    void print(const std::string& text)
    {
        for (const char c : text) {
            while ((in(5) & 0x20) == 0)
                std::this_thread::yield();
            out(0, static_cast<unsigned char>(c));
        }
    }
    std::string read(std::size_t count)
    {
        std::string text;
        for (int tries = 0; text.size() < count && tries < 4000; ++tries) {
            pollfd edge{.fd = irq.event().get(), .events = POLLIN, .revents = 0};
            (void)::poll(&edge, 1, 1);
            (void)irq.event().drain();
            while ((in(5) & 1) != 0)
                text.push_back(static_cast<char>(in(0)));
        }
        return text;
    }

    IrqLine irq;
    Uart16550a uart;

private:
    Poller& poller_;
    std::thread io_;
};

Fd call(const std::string& path)
{
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(&address.sun_path[0], path.c_str(), path.size());
    Fd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    REQUIRE(::connect(fd.get(), static_cast<const sockaddr*>(static_cast<const void*>(&address)),
                      sizeof(address)) == 0);
    return fd;
}

}  // namespace

TEST_CASE("more input than the FIFO holds arrives whole and in order, to the end of the pipe")
{
    Poller poller;
    Pipe pipe = make_pipe(O_NONBLOCK);
    SerialLink link(poller, {});
    Guest guest(link, poller);
    link.connect({.input = pipe.read_end.get(), .output = -1});
    std::string typed;
    for (int i = 0; i < 1000; ++i)
        typed += std::to_string(i) + ";";
    REQUIRE(::write(pipe.write_end.get(), typed.data(), typed.size()) ==
            static_cast<ssize_t>(typed.size()));
    pipe.write_end = Fd{};
    guest.start();
    CHECK(guest.read(typed.size()) == typed);
}

TEST_CASE("keys are looked at while the guest does not listen, and reach it once it does")
{
    Poller poller;
    Pipe pipe = make_pipe(O_NONBLOCK);
    const EventFd ctrl_a_x;
    SerialLink link(poller, {.typed =
                                 [&](SerialLink& to, std::span<const std::uint8_t> bytes) {
                                     if (bytes.back() == '!')
                                         ctrl_a_x.signal();
                                     else
                                         to.to_guest(bytes);
                                 },
                             .closed = nullptr});
    link.connect({.input = pipe.read_end.get(), .output = -1});
    Guest guest(link, poller);
    guest.out(1, 0);  // no interrupts, and nobody polls
    guest.start();
    const std::string typed(1000, 'k');
    REQUIRE(::write(pipe.write_end.get(), typed.data(), typed.size()) == 1000);
    int left = 1;
    while (left != 0)
        REQUIRE(::ioctl(pipe.read_end.get(), FIONREAD, &left) == 0);
    REQUIRE(::write(pipe.write_end.get(), "!", 1) == 1);
    pollfd ended{.fd = ctrl_a_x.get(), .events = POLLIN, .revents = 0};
    CHECK(::poll(&ended, 1, 10'000) == 1);
    guest.out(1, 0x01);
    CHECK(guest.read(typed.size()) == typed);
}

TEST_CASE("what is pasted at once arrives whole at a guest that takes little at a time")
{
    Poller poller;
    Pipe pipe = make_pipe(O_NONBLOCK);
    SerialLink link(poller, {.typed = [](SerialLink& to, auto bytes) { to.to_guest(bytes); },
                             .closed = nullptr});
    Guest guest(link, poller);
    link.connect({.input = pipe.read_end.get(), .output = -1});
    guest.start();
    std::string pasted;
    for (int i = 0; i < 4000; ++i)
        pasted += std::to_string(i) + "\n";
    REQUIRE(::write(pipe.write_end.get(), pasted.data(), pasted.size()) ==
            static_cast<ssize_t>(pasted.size()));
    CHECK(guest.read(pasted.size()) == pasted);
}

TEST_CASE("what a guest prints byte by byte is written together, once a millisecond at most")
{
    Poller poller;
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) ==
            0);
    const Fd reader{ends[0]}, writer{ends[1]};  // a packet for each write
    SerialLink link(poller, {});
    Guest guest(link, poller);
    link.connect({.input = -1, .output = writer.get()});
    guest.start();

    const auto begin = std::chrono::steady_clock::now();
    guest.print("!");
    CHECK(read_some(reader.get()) == "!");
    std::string text;
    std::string printed;
    int packets = 0;
    std::thread taker([&] {
        for (std::string some; !(some = read_some(reader.get())).empty(); ++packets) {
            text += some;
            if (some.ends_with('.'))
                return;
        }
    });
    for (int i = 0; i < 3000; ++i)
        printed.push_back(static_cast<char>('a' + i % 26));
    guest.print(printed + ".");
    taker.join();
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    CHECK(text == printed + ".");
    CHECK(packets <= took.count() + 2);
}

TEST_CASE("a slow reader slows the guest and loses nothing")
{
    Poller poller;
    Pipe pipe = make_pipe(O_NONBLOCK);
    SerialLink link(poller, {});
    Guest guest(link, poller);
    link.connect({.input = -1, .output = pipe.write_end.get()});
    guest.start();
    const std::string line(1000, 'y');
    std::jthread printer([&] {
        for (int i = 0; i < 300; ++i)
            guest.print(line);
    });
    CHECK(read_all(pipe.read_end.get(), 300'000).size() == 300'000);
}

TEST_CASE("output that nobody can ever read again does not stop the guest")
{
    (void)std::signal(SIGPIPE, SIG_IGN);
    Poller poller;
    Pipe pipe = make_pipe(O_NONBLOCK);
    pipe.read_end = Fd{};
    SerialLink link(poller, {});
    Guest guest(link, poller);
    link.connect({.input = -1, .output = pipe.write_end.get()});
    guest.start();
    guest.print(std::string(200'000, 'z'));
}

TEST_CASE("what is left when the VM ends is still written")
{
    Poller poller;
    const Pipe pipe = make_pipe(O_NONBLOCK);
    SerialLink link(poller, {});
    Guest guest(link, poller);
    link.connect({.input = -1, .output = pipe.write_end.get()});
    guest.print("reboot: Power down\n");
    link.drain();
    CHECK(read_all(pipe.read_end.get(), 19) == "reboot: Power down\n");
}

TEST_CASE("a socket serves one caller after the other and the next reads what it missed")
{
    (void)std::signal(SIGPIPE, SIG_IGN);
    const Folder folder;
    Poller poller;
    {
        const auto backend = make_socket_backend(poller, folder.file("tty"));
        Guest guest(backend->link(), poller);
        guest.start();
        guest.print("before\n");
        {
            const Fd first = call(folder.file("tty"));
            CHECK(read_all(first.get(), 7) == "before\n");
            REQUIRE(::write(first.get(), "one", 3) == 3);
            CHECK(guest.read(3) == "one");
        }
        const Fd second = call(folder.file("tty"));
        REQUIRE(::write(second.get(), "two", 3) == 3);
        CHECK(guest.read(3) == "two");
        guest.print("after\n");
        CHECK(read_all(second.get(), 6) == "after\n");
        guest.stop();
    }
    CHECK(::access(folder.file("tty").c_str(), F_OK) != 0);  // nothing is left behind
}

TEST_CASE("a caller who reads nothing and goes does not leave the guest waiting")
{
    (void)std::signal(SIGPIPE, SIG_IGN);
    const Folder folder;
    Poller poller;
    const auto backend = make_socket_backend(poller, folder.file("tty"));
    Guest guest(backend->link(), poller);
    guest.start();
    Fd lazy = call(folder.file("tty"));
    REQUIRE(::write(lazy.get(), "x", 1) == 1);
    CHECK(guest.read(1) == "x");  // so it is connected
    std::atomic<int> lines{0};
    std::jthread printer([&] {
        for (; lines < 1000; ++lines)  // more than a socket and we hold
            guest.print(std::string(1000, 'p'));
    });
    for (int before = -1; before != lines;) {
        before = lines;
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    CHECK(lines < 1000);
    lazy = Fd{};
    printer.join();
    guest.print("goes on\n");
    const Fd next = call(folder.file("tty"));
    std::string found;
    while (!found.ends_with("goes on\n"))
        found += read_some(next.get());
    guest.stop();
}

TEST_CASE("a socket file left by a killed process is replaced, a live one is not")
{
    const Folder folder;
    const std::string path = folder.file("tty");
    Poller poller;
    {
        const auto first = make_socket_backend(poller, path);
        CHECK_THROWS_AS((void)make_socket_backend(poller, path), Error);
        REQUIRE(::link(path.c_str(), folder.file("stale").c_str()) == 0);
    }
    CHECK_NOTHROW((void)make_socket_backend(poller, folder.file("stale")));
}

TEST_CASE("a pty carries both ways under the name of its link")
{
    const Folder folder;
    const std::string path = folder.file("tty");
    Poller poller;
    {
        const auto backend = make_pty_backend(poller, path);
        Guest guest(backend->link(), poller);
        guest.start();
        guest.print(std::string(100'000, '.'));  // nobody reads: goes on
        const Fd user = open_file(path, O_RDWR | O_NOCTTY);
        REQUIRE(::write(user.get(), "key", 3) == 3);
        CHECK(guest.read(3) == "key");
        CHECK(!read_some(user.get()).empty());
        guest.stop();
    }
    CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("a file gets the output")
{
    const Folder folder;
    const std::string path = folder.file("log");
    Poller poller;
    {
        const auto backend = make_file_backend(poller, path);
        Guest guest(backend->link(), poller);
        guest.print("hello\n");
        backend->link().drain();
    }
    CHECK(read_some(open_file(path, O_RDONLY).get()) == "hello\n");
    (void)::unlink(path.c_str());
}

}  // namespace gh
