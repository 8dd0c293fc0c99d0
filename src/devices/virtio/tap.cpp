// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/tap.h"

#include "base/error.h"
#include "devices/virtio/layout.h"

#include <array>
#include <climits>
#include <cstring>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr const char* kDevice = "/dev/net/tun";
constexpr short kFlags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;

std::string remedy(const std::string& interface)
{
    return "; to make one: sudo ip tuntap add dev " + interface +
           " mode tap user \"$USER\" && sudo ip link set " + interface + " up";
}

[[noreturn]] void refuse(const std::string& interface, int error)
{
    switch (error) {
    case EPERM:
        throw Error("the tap " + interface + " belongs to another user" + remedy(interface));
    case EBUSY: throw Error("the tap " + interface + " is in use by another program");
    case EINVAL:
        throw Error("the interface " + interface + " is no tap with one queue" + remedy(interface));
    default: throw_errno("use the tap " + interface, error);
    }
}

Fd open_tap(const std::string& interface)
{
    ifreq request{};
    if (interface.size() >= sizeof request.ifr_name || ::if_nametoindex(interface.c_str()) == 0)
        throw Error("there is no interface " + interface + remedy(interface));
    Fd file{::open(kDevice, O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    if (!file)
        throw Error("open " + std::string(kDevice) + ": " + errno_text(errno) +
                    "; a tap needs the kernel's module tun and the right to open that file");
    std::memcpy(request.ifr_name, interface.data(), interface.size());
    request.ifr_flags = kFlags;
    if (::ioctl(file.get(), TUNSETIFF, &request) != 0)
        refuse(interface, errno);
    return file;
}

}  // namespace

bool is_tap(int fd) noexcept
{
    ifreq request{};
    return ::ioctl(fd, TUNGETIFF, &request) == 0;
}

Tap::Tap(const std::string& interface) : file_(open_tap(interface)), interface_(interface)
{
    prepare();
}

Tap::Tap(Fd file) : file_(std::move(file))
{
    ifreq request{};
    if (::ioctl(file_.get(), TUNGETIFF, &request) != 0)
        throw_errno("TUNGETIFF");
    interface_ = std::string(request.ifr_name, ::strnlen(request.ifr_name, IFNAMSIZ));
    if ((request.ifr_flags & kFlags) != kFlags)
        throw Error("the tap " + interface_ +
                    " was opened without IFF_TAP, IFF_NO_PI or IFF_VNET_HDR");
    const int flags = ::fcntl(file_.get(), F_GETFL);
    if (flags < 0 || ::fcntl(file_.get(), F_SETFL, flags | O_NONBLOCK) != 0)
        throw_errno("fcntl");
    prepare();
}

void Tap::prepare()
{
    const int size = sizeof(NetHeader);
    if (::ioctl(file_.get(), TUNSETVNETHDRSZ, &size) != 0)
        throw_errno("TUNSETVNETHDRSZ");
    set_offloads(0);
    frame_.resize(kMaxNetFrame);
}

void Tap::set_offloads(unsigned offloads)
{
    if (::ioctl(file_.get(), TUNSETOFFLOAD, static_cast<unsigned long>(offloads)) == 0)
        return;
    if (errno != EBADFD)
        throw_errno("TUNSETOFFLOAD of the tap " + interface_);
    trouble_ = "the tap " + interface_ + " is gone";
}

std::uint64_t Tap::offloads() const noexcept
{
    return feature_flag(kNetCsum) | feature_flag(kNetGuestCsum) | feature_flag(kNetGuestTso4) |
           feature_flag(kNetGuestTso6) | feature_flag(kNetGuestEcn) | feature_flag(kNetHostTso4) |
           feature_flag(kNetHostTso6) | feature_flag(kNetHostEcn);
}

// The kernel demands of the flags what 5.1.3.1 demands of the features.
void Tap::agree(std::uint64_t features)
{
    unsigned offloads = 0;
    if (has_feature(features, kNetGuestCsum)) {
        const bool tso4 = has_feature(features, kNetGuestTso4);
        const bool tso6 = has_feature(features, kNetGuestTso6);
        offloads |= TUN_F_CSUM | (tso4 ? TUN_F_TSO4 : 0u) | (tso6 ? TUN_F_TSO6 : 0u);
        if ((tso4 || tso6) && has_feature(features, kNetGuestEcn))
            offloads |= TUN_F_TSO_ECN;
    }
    if (trouble_.empty())
        set_offloads(offloads);
}

std::optional<NetFrame> Tap::receive()
{
    if (!trouble_.empty())
        return std::nullopt;
    NetFrame frame;
    const std::array<iovec, 2> pieces{
        iovec{.iov_base = &frame.header, .iov_len = sizeof frame.header},
        iovec{.iov_base = frame_.data(), .iov_len = frame_.size()}};
    const ssize_t size = ::readv(file_.get(), pieces.data(), pieces.size());
    if (size > static_cast<ssize_t>(sizeof frame.header)) {
        frame.bytes = std::span(frame_).first(static_cast<std::size_t>(size) - sizeof frame.header);
        return frame;
    }
    if (size < 0 && errno != EAGAIN && errno != EINTR)
        trouble_ = "the tap " + interface_ + " is gone: " + errno_text(errno);
    return std::nullopt;
}

// What the kernel does not take now (the interface is down, its queue is full) or ever (headers
// that lie) is lost, as on a wire.
bool Tap::send(const NetHeader& header, const Buffer& frame)
{
    if (!trouble_.empty() || frame.pieces().size() >= IOV_MAX)
        return true;
    NetHeader copy = header;
    pieces_.assign(1, {.iov_base = &copy, .iov_len = sizeof copy});
    pieces_.insert(pieces_.end(), frame.pieces().begin(), frame.pieces().end());
    if (::writev(file_.get(), pieces_.data(), static_cast<int>(pieces_.size())) < 0 &&
        errno == EBADFD)
        trouble_ = "the tap " + interface_ + " is gone";
    return true;
}

}  // namespace gh::virtio
