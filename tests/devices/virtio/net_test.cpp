// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/net.h"

#include "base/error.h"
#include "devices/virtio/frame_socket.h"
#include "devices/virtio/layout.h"
#include "devices/virtio/mmio_transport.h"
#include "devices/virtio/tap.h"
#include "driver.h"

#include <array>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace gh::virtio {
namespace {

constexpr unsigned kRx = 0;
constexpr unsigned kTx = 1;
constexpr std::uint16_t kSize = 8;
constexpr std::uint64_t kHeader = Ram::kBase + 0x2'0000;
constexpr std::uint64_t kData = Ram::kBase + 0x4'0000;
constexpr std::uint32_t kHeaderSize = sizeof(NetHeader);
constexpr std::uint32_t kNeedsReset = 64;

/// The network: our end of a socket that FrameSocket has the other one of.
class Network {
public:
    Network()
    {
        std::array<int, 2> pair{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
        ours_ = Fd{pair[0]};
        theirs_ = Fd{pair[1]};
    }
    [[nodiscard]] Fd take_end() { return std::move(theirs_); }

    void put(const std::string& bytes) const
    {
        REQUIRE(::send(ours_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }
    void put_length(std::uint32_t length) const
    {
        length = htonl(length);
        put({reinterpret_cast<const char*>(&length), sizeof length});
    }
    void send(const std::string& frame) const
    {
        put_length(static_cast<std::uint32_t>(frame.size()));
        put(frame);
    }
    /// Waits for the next frame.
    [[nodiscard]] std::string receive() const
    {
        std::uint32_t length = 0;
        REQUIRE(::recv(ours_.get(), &length, sizeof length, MSG_WAITALL) == sizeof length);
        std::string frame(ntohl(length), '\0');
        REQUIRE(::recv(ours_.get(), frame.data(), frame.size(), MSG_WAITALL) ==
                static_cast<ssize_t>(frame.size()));
        return frame;
    }
    void go() { ours_ = Fd{}; }

private:
    Fd ours_;
    Fd theirs_;
};

/// A card behind its transport, and its driver.
struct Card {
    explicit Card(std::uint64_t refused_features = 0)
    {
        transport.emplace(net, ram.memory(), MmioTransport::Options{});
        begin(refused_features);
    }
    void begin(std::uint64_t refused_features = 0)
    {
        for (Ring& ring : rings) {
            std::memset(ram.at(ring.descriptors()), 0, 0xc000);
            ring.set_index(0);
        }
        out(0x70, 3);
        out(0x24, 0);
        out(0x20, net.features() & ~refused_features);
        out(0x24, 1);
        out(0x20, 1);
        out(0x70, 11);
        for (unsigned queue = 0; queue < 2; ++queue) {
            out(0x30, queue);
            out(0x38, kSize);
            out(0x80, rings[queue].descriptors());
            out(0x90, rings[queue].available());
            out(0xa0, rings[queue].used());
            out(0x44, 1);
        }
        out(0x70, 15);
        REQUIRE(in(0x70) == 15);
    }
    std::uint32_t in(std::uint64_t offset)
    {
        return static_cast<std::uint32_t>(transport->read({.offset = offset, .size = 4}));
    }
    void out(std::uint64_t offset, std::uint64_t value)
    {
        transport->write({.offset = offset, .size = 4}, value & 0xffff'ffff);
    }

    /// Buffer `index` for frames, at kData + index * 64 KiB / 8.
    [[nodiscard]] static std::uint64_t buffer(unsigned index) { return kData + index * 0x2000u; }
    void offer_buffer(unsigned index, std::uint32_t size)
    {
        rings[kRx].describe(index, buffer(index), size, kWrite);
        rings[kRx].offer(static_cast<std::uint16_t>(index));
        out(0x50, kRx);
    }
    void wait(unsigned queue, std::uint16_t used)
    {
        while (rings[queue].used_index() != used)
            std::this_thread::yield();
    }
    [[nodiscard]] std::string frame_in(unsigned index, std::size_t size) const
    {
        return ram.text(buffer(index) + kHeaderSize, size);
    }

    /// Sends from descriptors 0 and 1, and waits until they are back.
    void send(const std::string& frame, const NetHeader& header = {})
    {
        ram.put(kHeader, header);
        ram.put_text(kData, frame);
        rings[kTx].describe(0, kHeader, kHeaderSize, kNext, 1);
        rings[kTx].describe(1, kData, static_cast<std::uint32_t>(frame.size()));
        go();
    }
    /// Waits until what begins at descriptor 0 is back.
    void go()
    {
        const auto used = static_cast<std::uint16_t>(rings[kTx].used_index() + 1);
        rings[kTx].offer(0);
        out(0x50, kTx);
        wait(kTx, used);
    }
    void wait_for_status(std::uint32_t bit)
    {
        while ((in(0x70) & bit) == 0)
            std::this_thread::yield();
    }

    Network network;
    Ram ram;
    std::array<Ring, 2> rings{Ring{ram, kSize}, Ring{ram, kSize, Ram::kBase + 0x1'0000}};
    Net net{{.name = "net0", .mac = {2, 0, 0, 1, 2, 3}, .mtu = 9000},
            std::make_unique<FrameSocket>(network.take_end(), "the test")};
    std::optional<MmioTransport> transport;
};

constexpr std::uint64_t kMerge = feature_flag(kNetMergeBuffers);

std::string frame_of(char letter, std::size_t size = 60)
{
    return std::string(size, letter);
}

}  // namespace

TEST_CASE("a card says its address, its packet size and that its link is up")
{
    Card card;
    CHECK(card.in(0x08) == 1);
    CHECK(card.in(0x100) == 0x0100'0002);
    CHECK(card.in(0x104) == 0x0001'0302);
    CHECK(card.in(0x108) == 0x2328'0001);
    CHECK(card.in(0x10c) == 0);
}

TEST_CASE("a guest's frame reaches the network without its header")
{
    Card card;
    card.send(frame_of('a'));
    CHECK(card.network.receive() == frame_of('a'));
    CHECK(card.rings[kTx].used_length(0) == 0);
    card.send(frame_of('b', 9014));
    CHECK(card.network.receive() == frame_of('b', 9014));
}

TEST_CASE("a header and its frame may share descriptors")
{
    Card card;
    card.ram.put(kHeader, NetHeader{});
    card.ram.put_text(kHeader + kHeaderSize, "to the netwo");
    card.ram.put_text(kData, "rk");
    card.rings[kTx].describe(0, kHeader, 5, kNext, 1);
    card.rings[kTx].describe(1, kHeader + 5, kHeaderSize + 7, kNext, 2);
    card.rings[kTx].describe(2, kData, 2);
    card.go();
    CHECK(card.network.receive() == "to the network");
}

TEST_CASE("a frame for the guest fills one buffer, and its checksums count as good")
{
    Card card;
    card.offer_buffer(0, 2000);
    card.network.send(frame_of('a'));
    card.wait(kRx, 1);
    CHECK(card.rings[kRx].used_length(0) == kHeaderSize + 60);
    CHECK(card.frame_in(0, 60) == frame_of('a'));
    const auto header = card.ram.get<NetHeader>(Card::buffer(0));
    CHECK(header.flags == NetHeader::kDataValid);
    CHECK(header.gso_type == NetHeader::kGsoNone);
    CHECK(header.num_buffers == 1);
    CHECK((card.in(0x60) & 1) == 1);
}

TEST_CASE("a driver that checks checksums itself is told nothing of them")
{
    Card card(feature_flag(kNetGuestCsum) | kMerge);
    card.offer_buffer(0, 2000);
    card.network.send(frame_of('a'));
    card.wait(kRx, 1);
    CHECK(card.ram.get<NetHeader>(Card::buffer(0)).flags == 0);
    CHECK(card.ram.get<NetHeader>(Card::buffer(0)).num_buffers == 1);
}

TEST_CASE("a long frame fills several buffers, which come back together")
{
    Card card;
    const std::string frame = frame_of('x', 1000) + frame_of('y', 1000) + frame_of('z', 500);
    for (unsigned index = 0; index < 4; ++index)
        card.offer_buffer(index, 1000);
    card.network.send(frame);
    card.network.send(frame_of('n'));
    card.wait(kRx, 4);
    CHECK(card.ram.get<NetHeader>(Card::buffer(0)).num_buffers == 3);
    CHECK(card.rings[kRx].used_length(0) == 1000);
    CHECK(card.rings[kRx].used_length(1) == 1000);
    CHECK(card.rings[kRx].used_length(2) == 500 + kHeaderSize);
    CHECK(card.frame_in(0, 988) + card.ram.text(Card::buffer(1), 1000) +
              card.ram.text(Card::buffer(2), 512) ==
          frame);
    CHECK(card.rings[kRx].used_id(3) == 3);
    CHECK(card.frame_in(3, 60) == frame_of('n'));
}

TEST_CASE("a header may lie in several descriptors of a buffer")
{
    Card card;
    const Ring& ring = card.rings[kRx];
    ring.describe(0, Card::buffer(0), 7, kNext | kWrite, 1);
    ring.describe(1, Card::buffer(0) + 7, 100, kWrite);
    card.rings[kRx].offer(0);
    card.out(0x50, kRx);
    card.network.send(frame_of('a'));
    card.wait(kRx, 1);
    CHECK(card.frame_in(0, 60) == frame_of('a'));
    CHECK(card.ram.get<NetHeader>(Card::buffer(0)).num_buffers == 1);
}

TEST_CASE("a frame waits until the guest has a buffer")
{
    Card card;
    card.network.send(frame_of('a', 1500));
    card.offer_buffer(0, 1000);
    card.offer_buffer(1, 1000);
    card.wait(kRx, 2);
    CHECK(card.ram.get<NetHeader>(Card::buffer(0)).num_buffers == 2);
    CHECK(card.frame_in(0, 988) == frame_of('a', 988));
}

TEST_CASE("without merging a frame that is too long is dropped, and its buffer has the next")
{
    Card card(kMerge);
    card.offer_buffer(0, 1526);
    card.network.send(frame_of('a', 1515));
    card.network.send(frame_of('b', 1514));
    card.wait(kRx, 1);
    CHECK(card.frame_in(0, 1514) == frame_of('b', 1514));
}

TEST_CASE(
    "a frame for which the whole queue is too short is dropped, and the buffers have the next")
{
    Card card;
    for (unsigned index = 0; index < kSize; ++index)
        card.offer_buffer(index, 20);
    card.network.send(frame_of('a', kSize * 20 - 11));
    card.network.send(frame_of('b', kSize * 20 - 12));
    card.wait(kRx, kSize);
    CHECK(card.ram.get<NetHeader>(Card::buffer(0)).num_buffers == kSize);
    CHECK(card.frame_in(0, 8) == frame_of('b', 8));
    CHECK(card.ram.text(Card::buffer(7), 20) == frame_of('b', 20));
}

TEST_CASE("a buffer without room for the header stops the card until it is reset")
{
    Card card;
    card.offer_buffer(0, kHeaderSize - 1);
    card.network.send(frame_of('a'));
    card.wait_for_status(kNeedsReset);
    CHECK(card.rings[kRx].used_index() == 0);
    card.out(0x70, 0);
    card.begin();
    card.offer_buffer(0, 2000);
    card.network.send(frame_of('b'));
    card.wait(kRx, 1);
    CHECK(card.frame_in(0, 60) == frame_of('b'));
}

TEST_CASE("descriptors that lead nowhere stop the card")
{
    Card card;
    card.rings[kTx].describe(0, 0x1234'5678'9000, 100);
    card.rings[kTx].offer(0);
    card.out(0x50, kTx);
    card.wait_for_status(kNeedsReset);
    CHECK(card.rings[kTx].used_index() == 0);
}

TEST_CASE("a checksum that the guest leaves to the card is completed")
{
    Card card;
    const std::string bytes("ethernet\x00\x01\xf2\x03\xf4\xf5\xf6\xf7\x00\x00", 18);
    card.send(bytes, {.flags = NetHeader::kNeedsCsum, .csum_start = 8, .csum_offset = 8});
    CHECK(card.network.receive() == bytes.substr(0, 16) + "\x22\x0d");
}

TEST_CASE("frames with headers that lie, too short or too long, are dropped")
{
    Card card;
    card.send(frame_of('a'), {.flags = 1, .csum_start = 58, .csum_offset = 1});
    card.send(frame_of('a'), {.flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff});
    card.send(frame_of('a'), {.flags = 1, .gso_type = NetHeader::kGsoTcp4, .gso_size = 1448});
    card.send(frame_of('a'), {.gso_type = 0xff});
    card.send(frame_of('a', kMaxNetFrame + 1));
    card.rings[kTx].describe(0, kHeader, kHeaderSize);
    card.go();
    card.rings[kTx].describe(0, kHeader, kHeaderSize - 1);
    card.go();
    card.rings[kTx].describe(0, kHeader, 100, kWrite);
    card.go();
    card.send(frame_of('b'), {.flags = 0xfe, .hdr_len = 0xffff, .num_buffers = 0xffff});
    CHECK(card.network.receive() == frame_of('b'));
}

TEST_CASE("a network that does not listen keeps the guest's frames, and none is lost")
{
    Card card;
    const Ring& ring = card.rings[kTx];
    card.ram.put(kHeader, NetHeader{});
    card.ram.put_text(kData, frame_of('a', 60000));
    ring.describe(0, kHeader, kHeaderSize, kNext, 1);
    ring.describe(1, kData, 60000);
    for (unsigned round = 0; round < 5; ++round) {
        for (unsigned i = 0; i < kSize; ++i)
            card.rings[kTx].offer(0);
        card.out(0x50, kTx);
        if (round == 0) {
            while (card.rings[kTx].used_index() == 0)
                std::this_thread::yield();
            CHECK(card.rings[kTx].used_index() < kSize);  // the socket holds 200 KiB or so
        }
        for (unsigned i = 0; i < kSize; ++i)
            CHECK(card.network.receive() == frame_of('a', 60000));
        card.wait(kTx, static_cast<std::uint16_t>((round + 1) * kSize));
    }
}

TEST_CASE("a reset makes no room where the network does not listen")
{
    Card card;
    const auto offer = [&card] {
        card.ram.put(kHeader, NetHeader{});
        card.ram.put_text(kData, frame_of('a', 60000));
        card.rings[kTx].describe(0, kHeader, kHeaderSize, kNext, 1);
        card.rings[kTx].describe(1, kData, 60000);
        card.rings[kTx].offer(0);
        card.out(0x50, kTx);
        const auto& kick = card.transport->kicks()[kTx];
        pollfd kicked{.fd = kick.get(), .events = POLLIN, .revents = 0};
        while (::poll(&kicked, 1, 0) == 1 && card.rings[kTx].used_index() == 0)
            std::this_thread::yield();
        card.out(0x70, 0);  // which waits for what the card does
        return card.rings[kTx].used_index() != 0;
    };
    int taken = 0;
    for (int round = 0; round < 100; ++round) {
        taken += offer() ? 1 : 0;
        card.begin();
    }
    CHECK(taken < 20);  // the socket's 200 KiB or so, and ours
}

TEST_CASE("who has the network's socket next finds it where a frame begins")
{
    Network network;
    const Fd socket = network.take_end();
    const auto open = [&socket] {
        return std::make_unique<FrameSocket>(Fd{::fcntl(socket.get(), F_DUPFD_CLOEXEC, 0)},
                                             "the test");
    };
    SUBCASE("where it was received")
    {
        auto first = open();
        network.put_length(60);
        network.put(frame_of('a', 20));
        CHECK_FALSE(first->receive());
        network.put(frame_of('a', 40));
        network.send(frame_of('b'));
        first.reset();
    }
    SUBCASE("or its length")
    {
        auto first = open();
        network.put(std::string(2, '\0'));
        CHECK_FALSE(first->receive());
        network.put(std::string("\0\x01x", 3));
        network.send(frame_of('b'));
        first.reset();
    }
    SUBCASE("or was sent")
    {
        auto first = open();
        std::string bytes = frame_of('a', 60000);
        Buffer frame;
        frame.append(std::as_writable_bytes(std::span(bytes)));
        while (first->send({}, frame)) {
        }
        std::jthread peer([&network] {
            std::string got = network.receive();
            for (; got == frame_of('a', 60000); got = network.receive()) {
            }
            CHECK(got.size() == 60);
            CHECK(got.front() == 'c');
        });
        first.reset();
        std::string last = frame_of('c');
        Buffer end;
        end.append(std::as_writable_bytes(std::span(last)));
        auto second = open();
        while (!second->send({}, end) || !second->flush()) {
        }
        peer.join();
        network.send(frame_of('b'));
    }
    auto second = open();
    std::optional<NetFrame> frame;
    while (!frame && second->trouble().empty())
        frame = second->receive();
    REQUIRE(frame);
    CHECK(frame->bytes.size() == 60);
    CHECK(static_cast<char>(frame->bytes[0]) == 'b');
}

TEST_CASE("a link goes down with its network, and the guest is told")
{
    Card card;
    card.network.go();
    while ((card.in(0x60) & 2) == 0)
        std::this_thread::yield();
    CHECK((card.in(0x104) & 0x1'0000) == 0);
    card.send(frame_of('a'));
    CHECK(card.in(0x70) == 15);
}

TEST_CASE("a network that breaks the protocol is one that has gone")
{
    for (const std::uint32_t length : {0u, static_cast<std::uint32_t>(kMaxNetFrame + 1), ~0u}) {
        Card card;
        card.offer_buffer(0, 2000);
        card.network.put_length(length);
        while ((card.in(0x60) & 2) == 0)
            std::this_thread::yield();
        CHECK((card.in(0x104) & 0x1'0000) == 0);
        CHECK(card.rings[kRx].used_index() == 0);
    }
}

TEST_CASE("a frame may come in pieces, and a reset between them")
{
    Card card;
    card.network.put_length(60);
    card.network.put(frame_of('a', 20));
    card.send("to let the card read");
    CHECK(card.network.receive() == "to let the card read");
    card.out(0x70, 0);
    card.begin();
    card.offer_buffer(0, 2000);
    card.network.put(frame_of('a', 40));
    card.wait(kRx, 1);
    CHECK(card.frame_in(0, 60) == frame_of('a'));
}

TEST_CASE("a card of one queue alone harms nobody")
{
    Card card;
    card.out(0x70, 0);
    card.out(0x70, 3);
    card.out(0x24, 1);
    card.out(0x20, 1);
    card.out(0x70, 11);
    card.out(0x70, 15);
    card.network.send(frame_of('a'));
    card.out(0x50, kRx);
    card.out(0x50, kTx);
    CHECK(card.in(0x70) == 15);
}

TEST_CASE("a tap that is not there is told with what makes one")
{
    CHECK_THROWS_WITH_AS(Tap("gh-no-such-tap"), doctest::Contains("ip tuntap add dev gh-no-such"),
                         Error);
    CHECK_THROWS_WITH_AS(Tap("a-name-that-is-too-long"), doctest::Contains("no interface"), Error);
    CHECK_FALSE(is_tap(0));
}

}  // namespace gh::virtio
