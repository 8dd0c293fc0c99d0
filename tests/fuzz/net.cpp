// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a network card behind its transport, whose driver and whose network do what the input
// says. Small steps that good ones make are steps here, too, so that inputs get far.
#include "devices/virtio/net.h"

#include "base/error.h"
#include "devices/virtio/frame_socket.h"
#include "devices/virtio/mmio_transport.h"
#include "driver.h"
#include "input.h"

#include <array>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

namespace gh::virtio {
namespace {

constexpr std::uint16_t kSize = 8;
constexpr std::uint64_t kHeader = Ram::kBase + 0x2'0000;
constexpr std::uint64_t kData = Ram::kBase + 0x3'0000;

class World {
public:
    explicit World(test::Input& input) : input_(input) {}

    void step()
    {
        switch (input_.number(1) % 12) {
        case 0: return write(input_.number(2) & 0x1ff, input_.number(4));
        case 1: return read();
        case 2: return put();
        case 3: return set_up();
        case 4: return describe(ring().descriptors());
        case 5: return describe(kHeader + 0x1000);
        case 6: return ring().offer(static_cast<std::uint16_t>(input_.number(1)));
        case 7: return kick();
        case 8: return send();
        case 9: return offer_buffers();
        case 10: return receive();
        default: return ring().set_index(static_cast<std::uint16_t>(input_.number(2)));
        }
    }

private:
    struct Ends {
        Ends()
        {
            std::array<int, 2> pair{};
            GH_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
            network = Fd{pair[0]};
            card = Fd{pair[1]};
        }
        Fd network;
        Fd card;
    };

    Ring& ring() { return rings_[input_.number(1) % 2]; }
    std::uint32_t in(std::uint64_t offset)
    {
        return static_cast<std::uint32_t>(transport_.read({.offset = offset, .size = 4}));
    }
    void write(std::uint64_t offset, std::uint64_t value)
    {
        const unsigned size = offset % 4 == 0 ? 4 : 1;
        transport_.write({.offset = offset, .size = size}, value & 0xffff'ffff);
    }
    void read()
    {
        const unsigned size = 1u << input_.number(1) % 4;
        (void)transport_.read({.offset = (input_.number(2) & 0xfff) / size * size, .size = size});
    }
    void put()
    {
        const std::uint64_t at = Ram::kBase + (input_.number(3) & 0x3'ffff);
        const auto size = static_cast<unsigned>(input_.number(1) % 9);
        ram_.put(at, input_.number(size));
    }
    void set_up()
    {
        for (const auto& [offset, value] :
             {std::pair{0x70, 0ul}, {0x70, 3ul}, {0x24, 1ul}, {0x20, 1ul}, {0x24, 0ul}})
            write(static_cast<std::uint64_t>(offset), value);
        write(0x20, input_.number(4) & net_.features());
        write(0x70, 11);
        for (unsigned queue = 0; queue < 2; ++queue) {
            write(0x30, queue);
            write(0x38, kSize);
            write(0x80, rings_[queue].descriptors());
            write(0x90, rings_[queue].available());
            write(0xa0, rings_[queue].used());
            write(0x44, 1);
            rings_[queue].set_index(0);
        }
        write(0x70, 15);
    }
    void describe(std::uint64_t table)
    {
        const auto index = static_cast<unsigned>(input_.number(1) % (kSize * 2u));
        std::uint64_t address = Ram::kBase + (input_.number(1) << 12);
        if (input_.number(1) == 0)
            address = input_.number(8);
        const auto length = static_cast<std::uint32_t>(input_.number(2) * (input_.number(1) + 1));
        rings_[0].describe_in(table, index, address, length,
                              static_cast<std::uint16_t>(input_.number(1)),
                              static_cast<std::uint16_t>(input_.number(1)));
    }
    /// A frame of the guest's that is well formed but for its header, in descriptors 0 and 1.
    void send()
    {
        for (unsigned at = 0; at < 10; at += 2)
            ram_.put(kHeader + at, static_cast<std::uint16_t>(input_.number(at < 4 ? 1 : 2)));
        rings_[1].describe(0, kHeader, sizeof(NetHeader), kNext, 1);
        rings_[1].describe(1, kData, static_cast<std::uint32_t>(input_.number(2) | 1));
        rings_[1].offer(0);
    }
    void offer_buffers()
    {
        const auto size = static_cast<std::uint32_t>(input_.number(2) | 8);
        const std::uint64_t count = input_.number(1) % kSize;
        for (std::uint16_t index = 0; index < count; ++index) {
            rings_[0].describe(index, kData + index * 0x1000u, size, kWrite);
            rings_[0].offer(index);
        }
    }
    /// The network sends a frame, or bytes that are none. Also takes what came, so that it can.
    void receive()
    {
        std::vector<std::byte> bytes(1 << 16);
        while (::recv(ends_.network.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
        }
        std::uint32_t length = htonl(static_cast<std::uint32_t>(input_.number(2)));
        if (input_.number(1) == 0)
            length = static_cast<std::uint32_t>(input_.number(4));
        bytes.resize(input_.number(2));
        (void)::send(ends_.network.get(), &length, sizeof length, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)::send(ends_.network.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    /// Waits until the card has seen it, so that inputs mean much the same each time.
    void kick()
    {
        const unsigned queue = input_.number(1) % 2;
        write(0x50, queue);
        write(0x30, queue);
        while ((in(0x70) & (4 | 64)) == 4 && in(0x44) == 1 && is_kicked(queue))
            std::this_thread::yield();
    }
    [[nodiscard]] bool is_kicked(unsigned queue)
    {
        pollfd event{.fd = transport_.kicks()[queue].get(), .events = POLLIN, .revents = 0};
        return ::poll(&event, 1, 0) == 1;
    }

    test::Input& input_;
    Ram ram_;
    std::array<Ring, 2> rings_{Ring{ram_, kSize}, Ring{ram_, kSize, Ram::kBase + 0x1'0000}};
    Ends ends_;
    Net net_{{.name = "net0", .mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500},
             std::make_unique<FrameSocket>(std::move(ends_.card), "the network")};
    MmioTransport transport_{net_, ram_.memory(), {}};
};

}  // namespace
}  // namespace gh::virtio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    gh::test::Input input{{data, size}};
    gh::virtio::World world{input};
    while (!input.used_up())
        world.step();
    return 0;
}
