// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/frame_socket.h"

#include "base/error.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <chrono>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace gh::virtio {
namespace {

constexpr std::size_t kLength = 4;
constexpr std::size_t kIn = 256 << 10;
// What is sent with one call. More is not kept back, but for the frame that reaches it.
constexpr std::size_t kOut = 128 << 10;
static_assert(kIn >= kLength + kMaxNetFrame);

/// `bytes` begin with a frame's length.
std::uint32_t length_at(std::span<const std::byte> bytes)
{
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    return ntohl(length);
}

}  // namespace

FrameSocket::FrameSocket(Fd socket, std::string peer)
    : socket_(std::move(socket)), peer_(std::move(peer)), in_(kIn)
{
    const int flags = ::fcntl(socket_.get(), F_GETFL);
    if (flags < 0 || ::fcntl(socket_.get(), F_SETFL, flags | O_NONBLOCK) != 0)
        throw_errno("fcntl");
    out_.reserve(kOut + kLength + kMaxNetFrame);
}

FrameSocket::~FrameSocket()
{
    constexpr std::chrono::seconds kPatience{1};
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    const auto wait = [&](short events) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd state{.fd = socket_.get(), .events = events, .revents = 0};
        return left.count() > 0 && ::poll(&state, 1, static_cast<int>(left.count())) == 1;
    };
    out_.resize(out_begin_ + left_to_send());
    while (trouble_.empty() && !flush() && wait(POLLOUT)) {
    }
    for (std::size_t left = 0; trouble_.empty() && (left = left_to_receive()) != 0;)
        if (!read_more(left) && !wait(POLLIN))
            break;
}

/// Of the frame that is sent in part.
std::size_t FrameSocket::left_to_send() const
{
    std::size_t frame = 0;
    while (frame < out_begin_)
        frame += kLength + length_at(std::span(out_).subspan(frame));
    return frame - out_begin_;
}

/// Of the frame that has come in part, or of its length; those before it are dropped.
std::size_t FrameSocket::left_to_receive()
{
    while (take_frame()) {
    }
    const auto begun = std::span(in_).subspan(in_begin_, in_end_ - in_begin_);
    if (begun.empty())
        return 0;
    const std::size_t whole = begun.size() < kLength ? kLength : kLength + length_at(begun);
    return whole - begun.size();
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
        if (!read_more(in_.size()))
            break;
    }
    return std::nullopt;
}

std::optional<std::span<const std::byte>> FrameSocket::take_frame()
{
    const auto left = std::span(in_).subspan(in_begin_, in_end_ - in_begin_);
    if (left.size() < kLength)
        return std::nullopt;
    const std::uint32_t length = length_at(left);
    if (length == 0 || length > kMaxNetFrame) {
        fail("sends a frame of " + std::to_string(length) + " bytes");
        return std::nullopt;
    }
    if (left.size() - kLength < length)
        return std::nullopt;
    in_begin_ += kLength + length;
    return left.subspan(kLength, length);
}

bool FrameSocket::read_more(std::size_t most)
{
    std::copy(in_.begin() + static_cast<std::ptrdiff_t>(in_begin_),
              in_.begin() + static_cast<std::ptrdiff_t>(in_end_), in_.begin());
    in_end_ -= in_begin_;
    in_begin_ = 0;
    const ssize_t size = ::recv(socket_.get(), in_.data() + in_end_,
                                std::min(most, in_.size() - in_end_), MSG_DONTWAIT);
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
