// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/vm.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace gh::rm {

/// The Resource Manager's end of a guest's link to it: requests come in and replies go out, cut
/// into messages of 240 bytes (gunyah-guest-abi.md 4.2). The next request is taken when the reply
/// to the last is out, so a guest that does not read finds its own queue full.
class RpcLink {
public:
    /// The queues of the link (Capabilities).
    static constexpr unsigned kFromGuest = 0;
    static constexpr unsigned kToGuest = 1;

    /// Answers a request: the payload of the reply.
    using Handler = std::function<std::vector<std::byte>(hyp::MessageOwner& vm, std::uint32_t id,
                                                         std::span<const std::byte> payload)>;
    explicit RpcLink(Handler handler) : handler_(std::move(handler)) {}

    /// Does what there is to do now. A vCPU's thread; any.
    void run(hyp::MessageOwner& vm);

private:
    enum class Type : std::uint8_t { Continuation, Request, Reply, Notification };
    struct Header {
        Type type = Type::Continuation;
        std::uint8_t fragments = 0;  // messages after the first
        std::uint16_t sequence = 0;
        std::uint32_t id = 0;
    };
    /// Something of more messages than one, in either direction.
    struct Parcel {
        Header header;
        std::uint8_t left = 0;  // messages that are still to come or go
        std::size_t sent = 0;   // bytes
        std::vector<std::byte> payload;
    };

    static std::optional<Header> read_header(std::span<const std::byte> message);
    std::optional<Parcel> accept(std::span<const std::byte> message);
    std::optional<Parcel> begin(const Header& header, std::span<const std::byte> payload);
    std::optional<Parcel> go_on(const Header& header, std::span<const std::byte> payload);
    void reply(const Header& to, std::vector<std::byte> payload);
    bool send_rest(hyp::MessageOwner& vm);

    Handler handler_;
    std::mutex mutex_;
    std::optional<Parcel> incoming_;
    std::optional<Parcel> outgoing_;
};

}  // namespace gh::rm
