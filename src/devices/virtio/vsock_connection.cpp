// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/vsock_connection.h"

#include "base/error.h"

#include <algorithm>
#include <bit>
#include <string>

#include <limits.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kMaxData = 64 << 10;  // of one packet
constexpr std::uint32_t kShutdownBoth = kShutdownReceive | kShutdownSend;

/// Looks again: what was told may have been of an earlier socket with the same number.
bool is_hung_up(int socket)
{
    pollfd state{.fd = socket, .events = 0, .revents = 0};
    return ::poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace

VsockConnection::VsockConnection(VsockPorts ports, Fd socket, Origin origin,
                                 const VsockHeader& request)
    : ports_(ports),
      socket_(std::move(socket)),
      state_(origin == Origin::Guest ? State::Established : State::Asking)
{
    take_credit(request);
    owe(origin == Origin::Guest ? VsockOp::Response : VsockOp::Request);
}

// --- what the guest says

void VsockConnection::take_credit(const VsockHeader& header) noexcept
{
    peer_buf_alloc_ = header.buf_alloc;
    peer_fwd_cnt_ = header.fwd_cnt;
    if (peer_room() != 0)
        asked_for_credit_ = false;
}

/// Also where its counts make no sense: then none, which is its own loss.
std::uint32_t VsockConnection::peer_room() const noexcept
{
    const std::uint32_t on_its_way = sent_ - peer_fwd_cnt_;
    return on_its_way > peer_buf_alloc_ ? 0 : peer_buf_alloc_ - on_its_way;
}

void VsockConnection::hear(const VsockHeader& header, const Buffer& data)
{
    if (state_ == State::Resetting || state_ == State::Over)
        return;
    take_credit(header);
    if (!accept(header, data))
        reset();
}

bool VsockConnection::accept(const VsockHeader& header, const Buffer& data)
{
    const auto op = static_cast<VsockOp>(header.op);
    if (op == VsockOp::Response)
        return accept_response();
    if (state_ != State::Established)
        return false;
    switch (op) {
    case VsockOp::Rw: return accept_data(header.len, data);
    case VsockOp::Shutdown: return accept_shutdown(header.flags);
    case VsockOp::CreditUpdate: return true;
    case VsockOp::CreditRequest: owe(VsockOp::CreditUpdate); return true;
    case VsockOp::Request:
    case VsockOp::Response:
    case VsockOp::Rst: break;
    }
    return false;
}

bool VsockConnection::accept_response()
{
    const bool asked = (owed_ & 1u << static_cast<unsigned>(VsockOp::Request)) == 0;
    if (state_ != State::Asking || !asked)
        return false;
    state_ = State::Established;
    const std::string line = "OK " + std::to_string(ports_.host) + "\n";
    return ::send(socket_.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(line.size());
}

// What the host no longer takes counts as forwarded: the guest is told of its end otherwise.
bool VsockConnection::accept_data(std::uint32_t size, const Buffer& data)
{
    if ((guest_shutdown_ & kShutdownSend) != 0)
        return false;
    if (size > kBuffer - (received_ - forwarded_))
        return false;
    received_ += size;
    if (host_gone_) {
        forwarded_ = received_;
        return true;
    }
    const std::size_t before = waiting_.size();
    waiting_.resize(before + size);
    GH_CHECK(data.read(sizeof(VsockHeader), std::span(waiting_).subspan(before)));
    flush();
    return true;
}

bool VsockConnection::accept_shutdown(std::uint32_t flags)
{
    guest_shutdown_ |= flags & kShutdownBoth;
    finish_sending();
    return true;
}

void VsockConnection::reset()
{
    if (state_ == State::Over)
        return;
    (void)::shutdown(socket_.get(), SHUT_RDWR);
    waiting_.clear();
    written_ = 0;
    owed_ = 0;
    owe(VsockOp::Rst);
    state_ = State::Resetting;
}

// --- the host's socket

bool VsockConnection::takes_input() const noexcept
{
    return state_ == State::Established && !input_ended_ &&
           (guest_shutdown_ & kShutdownReceive) == 0;
}

std::uint32_t VsockConnection::interest() const noexcept
{
    if (hung_up_ || state_ == State::Resetting || state_ == State::Over)
        return 0;
    const bool in = takes_input() && !readable_;
    return EPOLLHUP | (in ? std::uint32_t{EPOLLIN} : 0) |
           (waiting_.empty() ? 0 : std::uint32_t{EPOLLOUT});
}

void VsockConnection::socket_ready(std::uint32_t events)
{
    if (state_ == State::Resetting || state_ == State::Over)
        return;
    if ((events & EPOLLIN) != 0)
        input_is_there();
    if ((events & EPOLLOUT) != 0)
        flush();
    if ((events & (EPOLLHUP | EPOLLERR)) == 0 || !is_hung_up(socket_.get()))
        return;
    hung_up_ = true;
    if (takes_input())
        input_is_there();  // up to its end
    else
        host_is_gone();
}

void VsockConnection::input_is_there()
{
    readable_ = true;
    if (peer_room() == 0 && !asked_for_credit_) {
        asked_for_credit_ = true;
        owe(VsockOp::CreditRequest);
    }
}

void VsockConnection::flush()
{
    while (written_ < waiting_.size()) {
        const ssize_t count = ::send(socket_.get(), waiting_.data() + written_,
                                     waiting_.size() - written_, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno != EAGAIN)
            return host_is_gone();
        if (count < 0)
            break;
        written_ += static_cast<std::size_t>(count);
        forwarded_ += static_cast<std::uint32_t>(count);
    }
    if (written_ == waiting_.size() || written_ > kBuffer) {
        waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(written_));
        written_ = 0;
    }
    if (forwarded_ - told_forwarded_ >= kBuffer / 2)
        owe(VsockOp::CreditUpdate);
    finish_sending();
}

/// What the guest wanted to say before it ended its side is with the host.
void VsockConnection::finish_sending()
{
    if ((guest_shutdown_ & kShutdownSend) == 0 || !waiting_.empty())
        return;
    if (guest_shutdown_ == kShutdownBoth)
        return reset();
    (void)::shutdown(socket_.get(), SHUT_WR);
}

/// The guest is told, and answers by a reset or by a shutdown of its own.
void VsockConnection::host_is_gone()
{
    if (state_ == State::Asking) {
        const bool unasked = (owed_ & 1u << static_cast<unsigned>(VsockOp::Request)) != 0;
        if (unasked)
            state_ = State::Over;
        else
            reset();
        return;
    }
    hung_up_ = true;
    host_gone_ = true;
    input_ended_ = true;
    readable_ = false;
    waiting_.clear();
    written_ = 0;
    forwarded_ = received_;
    owe(VsockOp::Shutdown);
    finish_sending();
}

// --- what the guest is told

bool VsockConnection::owes() const noexcept
{
    return owed_ != 0 || (readable_ && takes_input() && peer_room() != 0);
}

bool VsockConnection::next(VsockHeader& header, const Buffer& room)
{
    header.len = 0;
    header.flags = 0;
    if (owed_ == 0 && !next_data(header, room))
        return false;
    if (header.len == 0) {
        const auto op = static_cast<std::uint16_t>(std::countr_zero(owed_));
        owed_ &= owed_ - 1;
        header.op = op;
        if (op == static_cast<std::uint16_t>(VsockOp::Shutdown))
            header.flags = host_gone_ ? kShutdownBoth : kShutdownSend;
        if (op == static_cast<std::uint16_t>(VsockOp::Rst))
            state_ = State::Over;
    }
    header.buf_alloc = kBuffer;
    header.fwd_cnt = forwarded_;
    told_forwarded_ = forwarded_;
    return true;
}

/// True: a packet with data, or something is owed now that the host's end was found.
bool VsockConnection::next_data(VsockHeader& header, const Buffer& room)
{
    if (!readable_ || !takes_input() || peer_room() == 0)
        return false;
    header.op = static_cast<std::uint16_t>(VsockOp::Rw);
    header.len = read_data(room);
    sent_ += header.len;
    if (header.len != 0)
        input_is_there();
    return header.len != 0 || owed_ != 0;
}

std::uint32_t VsockConnection::read_data(const Buffer& room)
{
    const auto size =
        std::min<std::uint64_t>({room.size() - sizeof(VsockHeader), peer_room(), kMaxData});
    if (size == 0)
        return 0;
    room.slice(sizeof(VsockHeader), size, piece_);
    const auto pieces = piece_.pieces();
    const ssize_t count = ::readv(socket_.get(), pieces.data(),
                                  static_cast<int>(std::min<std::size_t>(pieces.size(), IOV_MAX)));
    if (count > 0)
        return static_cast<std::uint32_t>(count);
    if (count < 0 && errno == EINTR)
        return 0;
    readable_ = false;
    if (count < 0 && errno == EAGAIN)
        return 0;
    input_ended_ = true;
    if (count < 0 || hung_up_)
        host_is_gone();
    else
        owe(VsockOp::Shutdown);
    return 0;
}

}  // namespace gh::virtio
