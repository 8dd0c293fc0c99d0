// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/console.h"

#include "base/pipe.h"
#include "transport_driver.h"

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kBuffers = TransportDriver::kFree;
constexpr std::uint64_t kRefuseMultiport = 1u << 1;

/// A back end whose host is the test: two pipes.
class PipeBackend final : public SerialBackend {
public:
    PipeBackend(Poller& poller, const Pipe& input, const Pipe& output) : link_(poller, {})
    {
        link_.connect(
            {.input = input.read_end.get(), .output = output.write_end.get(), .lossy = false});
    }
    SerialLink& link() noexcept override { return link_; }

private:
    SerialLink link_;
};

std::string read_all(const Pipe& pipe, std::size_t count)
{
    std::string text;
    std::array<char, 4096> bytes{};
    while (text.size() < count) {
        pollfd ready{.fd = pipe.read_end.get(), .events = POLLIN, .revents = 0};
        REQUIRE(::poll(&ready, 1, -1) == 1);
        const ssize_t got = ::read(pipe.read_end.get(), bytes.data(), bytes.size());
        REQUIRE(got > 0);
        text.append(bytes.data(), static_cast<std::size_t>(got));
    }
    return text;
}

void write_all(const Pipe& pipe, const std::string& text)
{
    REQUIRE(::write(pipe.write_end.get(), text.data(), text.size()) ==
            static_cast<ssize_t>(text.size()));
}

struct Fixture {
    ~Fixture()
    {
        poller.stop();
        if (io.joinable())
            io.join();
    }

    void make(const std::vector<std::string>& names, std::uint64_t refused = 0)
    {
        std::vector<ConsolePort::Options> ports;
        for (std::size_t i = 0; i < names.size(); ++i)
            ports.push_back(
                {.name = names[i],
                 .is_terminal = i == 0,
                 .backend = std::make_unique<PipeBackend>(poller, input[i], output[i])});
        console.emplace(std::move(ports));
        driver.emplace(*console, ram, refused);
        io = std::thread([this] { poller.run(); });
    }
    /// The next message that the device sends, its header's numbers and what follows.
    std::string control()
    {
        driver->offer_buffer(2, controls % 8, kBuffers, 64, true);
        const std::uint32_t size = driver->wait(2, static_cast<std::uint16_t>(++controls));
        std::string text = std::to_string(ram.get<std::uint32_t>(kBuffers)) + " " +
                           std::to_string(ram.get<std::uint16_t>(kBuffers + 4)) + " " +
                           std::to_string(ram.get<std::uint16_t>(kBuffers + 6));
        return size > 8 ? text + " " + ram.text(kBuffers + 8, size - 8) : text;
    }
    void say(std::uint32_t port, std::uint16_t event, std::uint16_t value)
    {
        ram.put(kBuffers + 0x100, port);
        ram.put(kBuffers + 0x104, event);
        ram.put(kBuffers + 0x106, value);
        driver->offer_buffer(3, said % 8, kBuffers + 0x100, 8, false);
        (void)driver->wait(3, static_cast<std::uint16_t>(++said));
    }

    Ram ram;
    Poller poller;
    std::array<Pipe, 2> input{make_pipe(O_NONBLOCK), make_pipe(O_NONBLOCK)};
    std::array<Pipe, 2> output{make_pipe(O_NONBLOCK), make_pipe(O_NONBLOCK)};
    std::optional<Console> console;
    std::optional<TransportDriver> driver;
    std::thread io;
    std::uint16_t controls = 0;
    std::uint16_t said = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "one console is a plain one: two queues, its size in the configuration")
{
    make({""});
    CHECK(console->queue_sizes().size() == 2);
    CHECK((console->features() & kRefuseMultiport) == 0);
    CHECK(driver->in(0x100) == 0);
    console->resize({.columns = 132, .rows = 43});
    CHECK(driver->in(0x100) == (43u << 16 | 132u));
    while ((driver->in(0x60) & 2) == 0)  // the configuration has changed
        std::this_thread::yield();
}

TEST_CASE_FIXTURE(Fixture, "bytes go both ways, in the order in which they came")
{
    make({""});
    ram.put_text(kBuffers, "hello ");
    ram.put_text(kBuffers + 0x100, "host");
    driver->ring(1).describe(0, kBuffers, 6, kNext, 1);
    driver->ring(1).describe(1, kBuffers + 0x100, 4);
    driver->offer(1, 0);
    CHECK(driver->wait(1, 1) == 0);
    CHECK(read_all(output[0], 10) == "hello host");

    write_all(input[0], "hello guest");
    driver->offer_buffer(0, 0, kBuffers + 0x200, 5, true);
    CHECK(driver->wait(0, 1) == 5);
    driver->offer_buffer(0, 1, kBuffers + 0x300, 64, true);
    CHECK(driver->wait(0, 2) == 6);
    CHECK(ram.text(kBuffers + 0x200, 5) + ram.text(kBuffers + 0x300, 6) == "hello guest");
}

TEST_CASE_FIXTURE(Fixture,
                  "output that the host does not take waits in the guest, and none is lost")
{
    make({""});
    const std::string page = std::string(0x8000, 'x');
    ram.put_text(kBuffers, page);
    // A pipe of 64 KiB, the link's buffer of as much and what is on its way: eight do not fit.
    for (std::uint16_t i = 0; i < 8; ++i)
        driver->offer_buffer(1, i, kBuffers, 0x8000, false);
    (void)driver->wait(1, 4);
    CHECK(driver->ring(1).used_index() < 8);
    CHECK(read_all(output[0], 8 * page.size()).find_first_not_of('x') == std::string::npos);
    (void)driver->wait(1, 8);
}

TEST_CASE_FIXTURE(Fixture, "input waits at the host for a guest that does not read")
{
    make({""});
    const std::string page(4096, 'y');
    int pages = 0;
    for (int quiet = 0; quiet < 200; ++quiet) {
        if (::write(input[0].write_end.get(), page.data(), page.size()) == 4096) {
            ++pages;
            quiet = 0;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    CHECK(pages <= 17);  // the pipe's and ours
    std::uint64_t total = 0;
    for (std::uint16_t i = 0; total < static_cast<std::uint64_t>(pages) * 4096; ++i) {
        driver->offer_buffer(0, i % 8, kBuffers, 1000, true);
        total += driver->wait(0, static_cast<std::uint16_t>(i + 1));
    }
    CHECK(total == static_cast<std::uint64_t>(pages) * 4096);
}

TEST_CASE_FIXTURE(Fixture, "ports are announced, named, opened and sized by control messages")
{
    make({"", "agent"});
    CHECK(console->queue_sizes().size() == 6);
    CHECK(driver->in(0x104) == 2);
    console->resize({.columns = 'c', .rows = 'r'});
    say(0, 0, 1);
    CHECK(control() == "0 1 1");
    // What the terminal's new size makes us say comes before or after.
    std::string next = control();
    if (next == std::string("0 5 1 c\0r\0", 10))
        next = control();
    CHECK(next == "1 1 1");
    say(0, 3, 1);
    CHECK(control() == "0 4 1");
    CHECK(control() == std::string("0 5 1 c\0r\0", 10));
    CHECK(control() == "0 6 1");
    say(1, 3, 1);
    CHECK(control() == "1 6 1");
    CHECK(control() == "1 7 1 agent");
}

TEST_CASE_FIXTURE(Fixture, "a named port takes input while somebody has it open")
{
    make({"", "agent"});
    write_all(input[1], "to the agent");
    driver->offer_buffer(4, 0, kBuffers + 0x800, 64, true);
    say(1, 3, 1);
    CHECK(driver->ring(4).used_index() == 0);
    say(1, 6, 1);
    CHECK(driver->wait(4, 1) == 12);
    CHECK(ram.text(kBuffers + 0x800, 12) == "to the agent");
    ram.put_text(kBuffers, "answer");
    driver->offer_buffer(5, 0, kBuffers, 6, false);
    CHECK(read_all(output[1], 6) == "answer");
}

TEST_CASE_FIXTURE(Fixture, "a driver without multiport has the first port alone")
{
    make({"first", "second"}, kRefuseMultiport);
    driver->offer_buffer(0, 0, kBuffers, 64, true);
    write_all(input[0], "in");
    CHECK(driver->wait(0, 1) == 2);
}

TEST_CASE_FIXTURE(
    Fixture, "messages about ports that are none, of odd lengths and without end change nothing")
{
    make({"", "agent"});
    for (int i = 0; i < 300; ++i)
        say(i % 2 == 0 ? 2 : 0xffff'ffff, static_cast<std::uint16_t>(i % 9 + 1), 1);
    for (int i = 0; i < 300; ++i)
        say(1, 3, 1);  // with nowhere to put the answers
    driver->offer_buffer(3, said % 8, kBuffers, 3, false);
    (void)driver->wait(3, static_cast<std::uint16_t>(++said));
    CHECK(control() == "1 6 1");
    driver->offer_buffer(2, controls % 8, kBuffers, 4, true);  // too short: it is lost
    CHECK(driver->wait(2, static_cast<std::uint16_t>(++controls)) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a reset forgets what was on its way, and the next driver starts afresh")
{
    make({""});
    driver->offer_buffer(0, 0, kBuffers, 1, true);
    write_all(input[0], "ab");
    CHECK(driver->wait(0, 1) == 1);
    driver->reset();
    std::memset(ram.at(Ram::kBase), 0, 0x1'0000);
    driver.emplace(*console, ram);
    write_all(input[0], "c");
    driver->offer_buffer(0, 0, kBuffers, 8, true);
    CHECK(driver->wait(0, 1) == 1);
    CHECK(ram.text(kBuffers, 1) == "c");
}

TEST_CASE_FIXTURE(Fixture, "buffers without room, given without end, keep nobody from the port")
{
    make({""});
    Ring& ring = driver->ring(0);
    ring.describe(0, kBuffers, 64);  // to read, not to write
    std::atomic<bool> enough{false};
    const std::jthread guest([&] {
        while (!enough) {
            ring.set_index(static_cast<std::uint16_t>(ring.used_index() + 8));
            driver->transport().kicks()[0].signal();
        }
    });
    write_all(input[0], "key");
    while (ring.used_index() < 64)
        std::this_thread::yield();
    driver->reset();  // returns at all
    enough = true;
}

}  // namespace gh::virtio
