// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/vsock.h"

#include "base/unix_socket.h"
#include "transport_driver.h"

#include <array>
#include <string>

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kOut = TransportDriver::kFree;            // the driver's packet
constexpr std::uint64_t kIn = TransportDriver::kFree + 0x4'0000;  // the device's
constexpr std::uint32_t kRoom = 4096;
constexpr std::uint64_t kCid = 42;

struct Folder {
    Folder() { REQUIRE(::mkdtemp(name.data()) != nullptr); }
    ~Folder() { (void)::rmdir(name.data()); }
    std::array<char, 32> name{"/tmp/gh-vsock-test-XXXXXX"};
};

void wait_for(int fd, short events = POLLIN)
{
    pollfd ready{.fd = fd, .events = events, .revents = 0};
    REQUIRE(::poll(&ready, 1, 20'000) == 1);
}

std::string read_some(const Fd& socket)
{
    std::array<char, 65536> bytes{};
    wait_for(socket.get());
    const ssize_t count = ::read(socket.get(), bytes.data(), bytes.size());
    return {bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0};
}

std::string read_exactly(const Fd& socket, std::size_t size)
{
    std::string text;
    while (text.size() < size) {
        const std::string some = read_some(socket);
        REQUIRE(!some.empty());
        text += some;
    }
    return text;
}

void write_all(const Fd& socket, const std::string& text)
{
    REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
}

/// A guest's driver: packets out and in, one at a time.
struct Fixture {
    ~Fixture() { (void)::unlink((path + "_7").c_str()); }

    VsockHeader header(VsockOp op, std::uint32_t host = 7, std::uint32_t guest = 1000) const
    {
        VsockHeader packet{};
        packet.src_cid = kCid;
        packet.dst_cid = kHostCid;
        packet.src_port = guest;
        packet.dst_port = host;
        packet.type = kVsockStream;
        packet.op = static_cast<std::uint16_t>(op);
        packet.buf_alloc = buf_alloc;
        packet.fwd_cnt = heard;
        return packet;
    }
    void send(const VsockHeader& packet, const std::string& text = {})
    {
        ram.put(kOut, packet);
        ram.put_text(kOut + sizeof packet, text);
        driver.offer_buffer(1, sent % 8, kOut,
                            static_cast<std::uint32_t>(sizeof packet + text.size()), false);
        (void)driver.wait(1, static_cast<std::uint16_t>(++sent));
    }
    void send(VsockOp op, const std::string& text = {}, std::uint32_t host = 7)
    {
        VsockHeader packet = header(op, host);
        packet.len = static_cast<std::uint32_t>(text.size());
        send(packet, text);
    }
    void shut_down(std::uint32_t flags)
    {
        VsockHeader packet = header(VsockOp::Shutdown);
        packet.flags = flags;
        send(packet);
    }
    VsockHeader hear()
    {
        driver.offer_buffer(0, received % 8, kIn, kRoom, true);
        const std::uint32_t size = driver.wait(0, static_cast<std::uint16_t>(++received));
        const auto packet = ram.get<VsockHeader>(kIn);
        CHECK(size == sizeof packet + packet.len);
        data = ram.text(kIn + sizeof packet, packet.len);
        return packet;
    }
    VsockOp hear_op() { return static_cast<VsockOp>(hear().op); }

    /// The guest connects to port 7, where somebody listens.
    Fd connect()
    {
        const Fd listener = listen_unix(path + "_7", SOCK_STREAM);
        send(VsockOp::Request);
        REQUIRE(hear_op() == VsockOp::Response);
        Fd peer{::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
        REQUIRE(static_cast<bool>(peer));
        return peer;
    }

    Folder folder;
    std::string path = std::string(folder.name.data()) + "/vsock";
    Ram ram;
    Vsock vsock{{.cid = kCid, .path = path}};
    TransportDriver driver{vsock, ram};
    std::uint16_t sent = 0;
    std::uint16_t received = 0;
    std::uint32_t buf_alloc = 1 << 20;
    std::uint32_t heard = 0;
    std::string data;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the configuration tells the guest's CID")
{
    CHECK(driver.in(0x100) == kCid);
    CHECK(driver.in(0x104) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a guest reaches who listens at PATH_PORT, and both hear each other")
{
    const Fd peer = connect();
    send(VsockOp::Rw, "from the guest");
    CHECK(read_some(peer) == "from the guest");
    write_all(peer, "from the host");
    const VsockHeader packet = hear();
    CHECK(packet.op == static_cast<std::uint16_t>(VsockOp::Rw));
    CHECK(packet.src_cid == kHostCid);
    CHECK(packet.dst_cid == kCid);
    CHECK(packet.src_port == 7);
    CHECK(packet.dst_port == 1000);
    CHECK(packet.fwd_cnt == 14);
    CHECK(data == "from the host");
}

TEST_CASE_FIXTURE(Fixture, "a port that nobody listens at is refused")
{
    send(VsockOp::Request, {}, 9);
    const VsockHeader packet = hear();
    CHECK(packet.op == static_cast<std::uint16_t>(VsockOp::Rst));
    CHECK(packet.src_port == 9);
    CHECK(packet.dst_port == 1000);
}

TEST_CASE_FIXTURE(Fixture, "the host reaches a port of the guest's by CONNECT and is told its own")
{
    const Fd caller = connect_unix(path, SOCK_STREAM);
    write_all(caller, "CONNECT 1000\nearly");
    const VsockHeader request = hear();
    CHECK(request.op == static_cast<std::uint16_t>(VsockOp::Request));
    CHECK(request.dst_port == 1000);
    send(VsockOp::Response, {}, request.src_port);
    CHECK(read_some(caller) == "OK " + std::to_string(request.src_port) + "\n");
    CHECK(hear_op() == VsockOp::Rw);
    CHECK(data == "early");
}

TEST_CASE_FIXTURE(Fixture, "a guest that refuses closes the caller's socket")
{
    const Fd caller = connect_unix(path, SOCK_STREAM);
    write_all(caller, "CONNECT 1000\n");
    send(VsockOp::Rst, {}, hear().src_port);
    CHECK(read_some(caller).empty());
}

TEST_CASE_FIXTURE(Fixture, "callers who say something else are hung up on")
{
    for (const char* const line :
         {"CONNECT \n", "CONNECT 1x\n", "CONNECT 4294967296\n", "CONNECT -1\n", "connect 1\n", "\n",
          "CONNECT 00000000000000000000000000000000001\n"}) {
        CAPTURE(line);
        const Fd caller = connect_unix(path, SOCK_STREAM);
        write_all(caller, line);
        CHECK(read_some(caller).empty());
    }
}

TEST_CASE_FIXTURE(Fixture, "either side may end what it says and still listen")
{
    SUBCASE("the guest")
    {
        const Fd peer = connect();
        send(VsockOp::Rw, "last words");
        shut_down(kShutdownSend);
        CHECK(read_exactly(peer, 10) == "last words");
        CHECK(read_some(peer).empty());
        write_all(peer, "answer");
        CHECK(hear_op() == VsockOp::Rw);
        CHECK(data == "answer");
        shut_down(kShutdownReceive);
        CHECK(hear_op() == VsockOp::Rst);
    }
    SUBCASE("the host")
    {
        const Fd peer = connect();
        write_all(peer, "last words");
        REQUIRE(::shutdown(peer.get(), SHUT_WR) == 0);
        CHECK(hear_op() == VsockOp::Rw);
        CHECK(data == "last words");
        const VsockHeader packet = hear();
        CHECK(packet.op == static_cast<std::uint16_t>(VsockOp::Shutdown));
        CHECK(packet.flags == kShutdownSend);
        send(VsockOp::Rw, "answer");
        CHECK(read_some(peer) == "answer");
        shut_down(kShutdownSend | kShutdownReceive);
        CHECK(hear_op() == VsockOp::Rst);
        CHECK(read_some(peer).empty());
    }
}

TEST_CASE_FIXTURE(Fixture, "a host that goes is a shutdown both ways, after what it said")
{
    {
        const Fd peer = connect();
        write_all(peer, "bye");
    }
    CHECK(hear_op() == VsockOp::Rw);
    CHECK(data == "bye");
    const VsockHeader packet = hear();
    CHECK(packet.op == static_cast<std::uint16_t>(VsockOp::Shutdown));
    CHECK(packet.flags == (kShutdownSend | kShutdownReceive));
    send(VsockOp::Rw, "to nobody");
    shut_down(kShutdownSend | kShutdownReceive);
    CHECK(hear_op() == VsockOp::Rst);
    send(VsockOp::Rw, "nobody is there any more");
    CHECK(hear_op() == VsockOp::Rst);
}

TEST_CASE_FIXTURE(Fixture, "the host sends no more than the guest has room for, and asks for more")
{
    buf_alloc = 10;
    const Fd peer = connect();
    write_all(peer, "0123456789abcdef");
    CHECK(hear_op() == VsockOp::Rw);
    CHECK(data == "0123456789");
    CHECK(hear_op() == VsockOp::CreditRequest);
    heard = 4;
    send(VsockOp::CreditUpdate);
    CHECK(hear_op() == VsockOp::Rw);
    CHECK(data == "abcd");
    CHECK(hear_op() == VsockOp::CreditRequest);
    heard = 5000;  // more than was sent: no room at all
    send(VsockOp::CreditUpdate);
    heard = 14;
    send(VsockOp::CreditUpdate);
    CHECK(hear_op() == VsockOp::Rw);
    CHECK(data == "ef");
}

TEST_CASE_FIXTURE(Fixture, "what the host does not read is kept up to the credit, and then refused")
{
    const Fd peer = connect();
    const std::string page(0x4000, 'x');
    std::size_t packets = 0;
    driver.offer_buffer(0, received % 8, kIn, kRoom, true);
    while (driver.ring(0).used_index() == received) {
        REQUIRE(packets < 1000);
        send(VsockOp::Rw, page);
        ++packets;
    }
    // What the host's socket took was forwarded, and told at half the credit.
    CHECK(ram.get<VsockHeader>(kIn).op == static_cast<std::uint16_t>(VsockOp::CreditUpdate));
    ++received;
    driver.offer_buffer(0, received % 8, kIn, kRoom, true);
    for (bool refused = false; !refused;) {
        REQUIRE(packets < 1000);
        send(VsockOp::Rw, page);
        ++packets;
        if (driver.ring(0).used_index() != received) {
            ++received;
            refused = ram.get<VsockHeader>(kIn).op == static_cast<std::uint16_t>(VsockOp::Rst);
            if (!refused)
                driver.offer_buffer(0, received % 8, kIn, kRoom, true);
        }
    }
    CHECK(packets * page.size() > VsockConnection::kBuffer);
}

TEST_CASE_FIXTURE(Fixture, "credit comes back as the host reads")
{
    const Fd peer = connect();
    const std::string page(0x8000, 'x');
    send(VsockOp::Rw, page);
    CHECK(read_exactly(peer, page.size()) == page);
    send(VsockOp::Rw, page);
    CHECK(read_exactly(peer, page.size()) == page);
    const VsockHeader update = hear();
    CHECK(update.op == static_cast<std::uint16_t>(VsockOp::CreditUpdate));
    CHECK(update.fwd_cnt == 2 * page.size());
    CHECK(update.buf_alloc == VsockConnection::kBuffer);
    send(VsockOp::CreditRequest);
    CHECK(hear_op() == VsockOp::CreditUpdate);
}

TEST_CASE_FIXTURE(Fixture,
                  "packets that are wrong are refused or dropped, and break nobody else's stream")
{
    const Fd peer = connect();
    const auto refused = [&](VsockHeader packet) {
        send(packet);
        return hear_op() == VsockOp::Rst;
    };
    VsockHeader packet = header(VsockOp::Rw, 8);
    CHECK(refused(packet));
    packet = header(VsockOp::Request);
    packet.dst_cid = 5;
    CHECK(refused(packet));
    packet = header(VsockOp::Request, 7, 1001);
    packet.type = 2;
    CHECK(refused(packet));
    packet = header(VsockOp::Rw, 7, 1002);
    packet.op = 99;
    CHECK(refused(packet));
    packet = header(VsockOp::Rw);
    packet.src_cid = kCid + 1;
    send(packet);
    driver.offer_buffer(1, sent % 8, kOut, 20, false);  // no whole header
    (void)driver.wait(1, static_cast<std::uint16_t>(++sent));
    send(VsockOp::Rst, {}, 99);
    send(VsockOp::Rw, "still there");
    CHECK(read_some(peer) == "still there");
}

TEST_CASE_FIXTURE(Fixture, "a stream is reset by what has no place in it")
{
    const Fd peer = connect();
    SUBCASE("a second request")
    {
        send(VsockOp::Request);
    }
    SUBCASE("an answer to nothing")
    {
        send(VsockOp::Response);
    }
    SUBCASE("an unknown operation")
    {
        send(static_cast<VsockOp>(77));
    }
    SUBCASE("more data than the packet has")
    {
        VsockHeader packet = header(VsockOp::Rw);
        packet.len = 0xffff'ffff;
        send(packet, "short");
    }
    SUBCASE("data beyond the credit")
    {
        VsockHeader packet = header(VsockOp::Rw);
        packet.len = VsockConnection::kBuffer + 1;
        send(packet, std::string(packet.len, 'x'));
    }
    SUBCASE("data after the end")
    {
        shut_down(kShutdownSend);
        send(VsockOp::Rw, "more");
    }
    CHECK(hear_op() == VsockOp::Rst);
    CHECK(read_some(peer).empty());
}

TEST_CASE_FIXTURE(Fixture, "a guest that takes no answers waits, and goes on when it does")
{
    for (std::uint16_t i = 0; i < 64; ++i)
        send(VsockOp::Rw, {}, 100u + i);
    driver.offer_buffer(1, sent % 8, kOut, sizeof(VsockHeader), false);
    ::usleep(20'000);
    CHECK(driver.ring(1).used_index() == sent);
    CHECK(hear_op() == VsockOp::Rst);
    (void)driver.wait(1, static_cast<std::uint16_t>(++sent));
    for (int i = 0; i < 64; ++i)
        CHECK(hear_op() == VsockOp::Rst);
}

TEST_CASE_FIXTURE(Fixture, "a reset closes every socket, and the next driver can begin anew")
{
    const Fd peer = connect();
    const Fd caller = connect_unix(path, SOCK_STREAM);
    write_all(caller, "CONNECT 1000\n");
    CHECK(hear_op() == VsockOp::Request);
    driver.reset();
    CHECK(read_some(peer).empty());
    CHECK(read_some(caller).empty());
}

TEST_CASE_FIXTURE(Fixture, "a buffer that holds no header stops the device")
{
    send(VsockOp::Request, {}, 9);
    driver.offer_buffer(0, 0, kIn, 43, true);
    driver.wait_until_broken();
}

TEST_CASE_FIXTURE(Fixture, "so does one that holds nothing else, in which no data would ever come")
{
    const Fd peer = connect();
    write_all(peer, "data");
    driver.offer_buffer(0, received % 8, kIn, sizeof(VsockHeader), true);
    driver.wait_until_broken();
}

}  // namespace gh::virtio
