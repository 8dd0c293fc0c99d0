// SPDX-License-Identifier: BSD-3-Clause
#include "machine/net_card.h"

#include "base/error.h"
#include "devices/virtio/frame_socket.h"
#include "devices/virtio/net.h"
#include "devices/virtio/passt.h"
#include "devices/virtio/tap.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace gh::machine {
namespace {

using Backend = std::unique_ptr<virtio::NetBackend>;

bool is_stream_socket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/// The descriptor itself is somebody else's.
Backend take_descriptor(int raw, const std::string& name)
{
    if (::fcntl(raw, F_SETFD, FD_CLOEXEC) != 0)
        throw_errno(name + ": the descriptor " + std::to_string(raw));
    Fd fd{::fcntl(raw, F_DUPFD_CLOEXEC, 0)};
    if (!fd)
        throw_errno(name + ": the descriptor " + std::to_string(raw));
    if (virtio::is_tap(raw))
        return std::make_unique<virtio::Tap>(std::move(fd));
    if (is_stream_socket(raw))
        return std::make_unique<virtio::FrameSocket>(std::move(fd), "the peer");
    throw Error(name + ": the descriptor " + std::to_string(raw) +
                " is neither a tap nor a stream socket");
}

std::vector<virtio::PortForward> forwards_of(const config::Net& net)
{
    std::vector<virtio::PortForward> forwards;
    for (const auto& forward : net.forward)
        forwards.push_back({forward.proto == config::Protocol::Udp, forward.address,
                            static_cast<std::uint16_t>(forward.host),
                            static_cast<std::uint16_t>(forward.guest)});
    return forwards;
}

/// The configuration's rules have seen to it that it is one.
virtio::MacAddress mac_of(const std::string& text)
{
    virtio::MacAddress mac{};
    for (std::size_t i = 0; i < mac.size(); i++)
        mac.at(i) = static_cast<std::uint8_t>(std::stoul(text.substr(3 * i, 2), nullptr, 16));
    return mac;
}

}  // namespace

Backend open_net_backend(const config::Net& net, const std::string& name)
{
    switch (net.type) {
    case config::NetType::Tap: return std::make_unique<virtio::Tap>(net.tap);
    case config::NetType::Fd: return take_descriptor(static_cast<int>(net.fd.value()), name);
    case config::NetType::User: break;
    }
    return std::make_unique<virtio::FrameSocket>(
        virtio::start_passt(name, static_cast<std::uint16_t>(net.mtu), forwards_of(net)), "passt");
}

std::unique_ptr<virtio::VirtioDevice> make_net(const config::Net& net, const std::string& name,
                                               std::shared_ptr<virtio::NetBackend> backend)
{
    return std::make_unique<virtio::Net>(
        virtio::Net::Options{
            .name = name, .mac = mac_of(net.mac), .mtu = static_cast<std::uint16_t>(net.mtu)},
        std::move(backend));
}

}  // namespace gh::machine
