// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/frame_socket.h"

#include "base/error.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>

namespace gh::virtio {
namespace {

constexpr std::size_t kLength = 4;
constexpr std::size_t kIn = 256 << 10;
// What is sent with one call. More is not kept back, but for the frame that reaches it.
constexpr std::size_t kOut = 128 << 10;
static_assert(kIn >= kLength + kMaxNetFrame);

}  // namespace

FrameSocket::FrameSocket(Fd socket, std::string peer)
    : socket_(std::move(socket)), peer_(std::move(peer)), in_(kIn)
{
    const int flags = ::fcntl(socket_.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) != 0)
        throw_errno("fcntl");
    out_.reserve(kOut + kLength + kMaxNetFrame);
}

std::uint64_t FrameSocket::offloads() const noexcept
{
    return feature_flag(kNetCsum) | feature_flag(kNetGuestCsum);
}

void FrameSocket::agree(std::uint64_t features)
{
    guest_csum_ = has_feature(features, kNetGuestCsum);
}

void FrameSocket::fail(const std::string& why)
{
    if (trouble_.empty())
        trouble_ = peer_ + " " + why;
    out_.clear();
    out_begin_ = 0;
}

std::optional<NetFrame> FrameSocket::receive()
{
    while (trouble_.empty()) {
        if (const auto bytes = take_frame()) {
            NetFrame frame;
            frame.header.flags = guest_csum_ ? NetHeader::kDataValid : std::uint8_t{0};
            frame.bytes = *bytes;
            return frame;
        }
        if (!read_more())
            break;
    }
    return std::nullopt;
}

std::optional<std::span<const std::byte>> FrameSocket::take_frame()
{
    const auto left = std::span(in_).subspan(in_begin_, in_end_ - in_begin_);
    if (left.size() < kLength)
        return std::nullopt;
    std::uint32_t length = 0;
    std::memcpy(&length, left.data(), sizeof length);
    length = ntohl(length);
    if (length == 0 || length > kMaxNetFrame) {
        fail("sends a frame of " + std::to_string(length) + " bytes");
        return std::nullopt;
    }
    if (left.size() - kLength < length)
        return std::nullopt;
    in_begin_ += kLength + length;
    return left.subspan(kLength, length);
}

bool FrameSocket::read_more()
{
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_begin_),
              in_.begin() + static_cast<std::ptrdiff_t>(in_end_), in_.begin());
    in_end_ -= in_begin_;
    in_begin_ = 0;
    const ssize_t size =
        ::recv(socket_.get(), in_.data() + in_end_, in_.size() - in_end_, MSG_DONTWAIT);
    if (size > 0)
        in_end_ += static_cast<std::size_t>(size);
    else if (size == 0)
        fail("has ended");
    else if (errno != EAGAIN && errno != EINTR)
        fail("has ended: " + errno_text(errno));
    return size > 0;
}

bool FrameSocket::send(const NetHeader& header, const Buffer& frame)
{
    if (!trouble_.empty())
        return true;
    const auto size = static_cast<std::size_t>(frame.size());
    const std::uint32_t length = htonl(static_cast<std::uint32_t>(size));
    const std::size_t at = out_.size();
    out_.resize(at + kLength + size);
    std::memcpy(out_.data() + at, &length, sizeof length);
    const auto bytes = std::span(out_).subspan(at + kLength);
    GH_CHECK(frame.read(0, bytes));
    if ((header.flags & NetHeader::kNeedsCsum) != 0)
        complete_checksum(header, bytes);
    return out_.size() < kOut || flush();
}

bool FrameSocket::flush()
{
    while (out_begin_ < out_.size()) {
        const ssize_t size = ::send(socket_.get(), out_.data() + out_begin_,
                                    out_.size() - out_begin_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return false;
        if (size < 0) {
            fail("has ended: " + errno_text(errno));
            return true;
        }
        out_begin_ += static_cast<std::size_t>(size);
    }
    out_.clear();
    out_begin_ = 0;
    return true;
}

}  // namespace gh::virtio
