// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/rpc_link.h"

#include "emulator/rm/rpc_messages.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace gh::rm {
namespace {

constexpr std::size_t kMessage = 240;
constexpr std::size_t kLongest = 1024;  // that a guest's queue can be made for
constexpr std::size_t kHeader = 8;
constexpr std::size_t kContent = kMessage - kHeader;
constexpr std::uint8_t kMaxFragments = 62;
constexpr std::byte kVersion{0x21};  // a header of two words, version 1

}  // namespace

void RpcLink::run(hyp::MessageOwner& vm)
{
    const std::scoped_lock lock(mutex_);
    std::array<std::byte, kLongest> message{};
    while (send_rest(vm)) {
        const auto size = vm.take(kFromGuest, message);
        if (!size)
            return;
        const auto parcel = accept(std::span(message).first(*size));
        if (parcel && parcel->header.type == Type::Request)
            reply(parcel->header, handler_(vm, parcel->header.id, parcel->payload));
    }
}

std::optional<RpcLink::Header> RpcLink::read_header(std::span<const std::byte> message)
{
    if (message.size() < kHeader || message[0] != kVersion)
        return std::nullopt;
    const auto second = std::to_integer<std::uint8_t>(message[1]);
    const Header header{static_cast<Type>(second & 3), static_cast<std::uint8_t>(second >> 2),
                        get<std::uint16_t>(message, 2), get<std::uint32_t>(message, 4)};
    return header.fragments > kMaxFragments ? std::nullopt : std::optional(header);
}

/// Whatever is not as it should be is dropped without a word, as the real one does.
std::optional<RpcLink::Parcel> RpcLink::accept(std::span<const std::byte> message)
{
    const auto header = read_header(message);
    if (!header)
        return std::nullopt;
    const auto payload = message.subspan(kHeader);
    return header->type == Type::Continuation ? go_on(*header, payload) : begin(*header, payload);
}

std::optional<RpcLink::Parcel> RpcLink::begin(const Header& header,
                                              std::span<const std::byte> payload)
{
    incoming_.reset();
    if (header.fragments != 0 && payload.empty())
        return std::nullopt;
    Parcel parcel{header, header.fragments, 0, {payload.begin(), payload.end()}};
    if (header.fragments == 0)
        return parcel;
    incoming_ = std::move(parcel);
    return std::nullopt;
}

std::optional<RpcLink::Parcel> RpcLink::go_on(const Header& header,
                                              std::span<const std::byte> payload)
{
    if (!incoming_ || header.id != incoming_->header.id ||
        header.sequence != incoming_->header.sequence ||
        header.fragments != incoming_->header.fragments)
        return std::nullopt;
    incoming_->payload.insert(incoming_->payload.end(), payload.begin(), payload.end());
    if (--incoming_->left != 0)
        return std::nullopt;
    return std::exchange(incoming_, std::nullopt);
}

void RpcLink::reply(const Header& to, std::vector<std::byte> payload)
{
    const std::size_t messages =
        std::max<std::size_t>(1, (payload.size() + kContent - 1) / kContent);
    const auto fragments = static_cast<std::uint8_t>(messages - 1);
    outgoing_ = Parcel{{Type::Reply, fragments, to.sequence, to.id},
                       static_cast<std::uint8_t>(messages),
                       0,
                       std::move(payload)};
}

/// False: the guest's queue is full, and the rest has to wait until it reads.
bool RpcLink::send_rest(hyp::MessageOwner& vm)
{
    for (; outgoing_ && outgoing_->left != 0; --outgoing_->left) {
        const Header& header = outgoing_->header;
        const bool first = outgoing_->left == header.fragments + 1;
        const auto type = first ? header.type : Type::Continuation;
        const unsigned second = unsigned{header.fragments} << 2 | static_cast<unsigned>(type);
        std::array<std::byte, kMessage> message{kVersion, std::byte(second)};
        std::memcpy(message.data() + 2, &header.sequence, sizeof header.sequence);
        std::memcpy(message.data() + 4, &header.id, sizeof header.id);
        const auto rest = std::span<const std::byte>(outgoing_->payload).subspan(outgoing_->sent);
        const auto part = rest.first(std::min(rest.size(), kContent));
        std::copy(part.begin(), part.end(), message.begin() + kHeader);
        if (!vm.post(kToGuest, std::span(message).first(kHeader + part.size())))
            return false;
        outgoing_->sent += part.size();
    }
    outgoing_.reset();
    return true;
}

}  // namespace gh::rm
