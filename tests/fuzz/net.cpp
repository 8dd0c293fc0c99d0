// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a network card behind its transport, whose network does what the input says, too.
#include "devices/virtio/net.h"

#include "base/error.h"
#include "devices/virtio/frame_socket.h"
#include "virtio_driver.h"

#include <array>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>

namespace gh::virtio {
namespace {

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

class NetDriver final : public FuzzDriver {
public:
    NetDriver(VirtioDevice& device, const Ram& ram, test::Input& input, const Fd& network)
        : FuzzDriver(device, ram, input), network_(network)
    {
    }

private:
    static constexpr std::uint64_t kHeader = kData + 0x9000;

    [[nodiscard]] unsigned own_steps() const override { return 3; }
    void own_step(unsigned which) override
    {
        switch (which) {
        case 0: return send();
        case 1: return offer_buffers();
        default: return receive();
        }
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
        while (::recv(network_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT) > 0) {
        }
        std::uint32_t length = htonl(static_cast<std::uint32_t>(input_.number(2)));
        if (input_.number(1) == 0)
            length = static_cast<std::uint32_t>(input_.number(4));
        bytes.resize(input_.number(2));
        (void)::send(network_.get(), &length, sizeof length, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)::send(network_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }

    const Fd& network_;
};

}  // namespace
}  // namespace gh::virtio

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gh::virtio;
    gh::test::Input input{{data, size}};
    const Ram ram;
    Ends ends;
    Net net{{.name = "net0", .mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500},
            std::make_unique<FrameSocket>(std::move(ends.card), "the network")};
    NetDriver(net, ram, input, ends.network).run();
    return 0;
}
