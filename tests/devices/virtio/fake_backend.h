// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/locked.h"
#include "devices/virtio/device.h"
#include "devices/virtio/layout.h"
#include "devices/virtio/vhost_user_messages.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <sys/socket.h>

/// The other end of a vhost-user connection, which answers as one should, or not.
namespace gh::virtio {

struct VhostMessage {
    vhost_user::Header header{};
    std::vector<std::byte> payload;
    std::vector<Fd> files;

    [[nodiscard]] vhost_user::Request request() const
    {
        return static_cast<vhost_user::Request>(header.request);
    }
    template <class T>
    [[nodiscard]] T as() const
    {
        T value{};
        std::memcpy(&value, payload.data(), std::min(sizeof value, payload.size()));
        return value;
    }
};

class FakeBackend {
public:
    using Request = vhost_user::Request;
    /// What it does in place of an answer to a request; false: it answers.
    using Trick = std::function<bool(const VhostMessage&, int socket)>;

    static constexpr std::uint64_t kFeatures =
        feature_flag(kFeatureVersion1) | feature_flag(kFeatureIndirectDesc) |
        feature_flag(kFeatureEventIdx) | feature_flag(kFeatureAccessPlatform) |
        feature_flag(vhost_user::kFeatureProtocolFeatures);
    static constexpr std::uint64_t kAllProtocolFeatures = ~std::uint64_t{0};

    struct Options {
        std::uint64_t features = kFeatures;
        std::uint64_t protocol_features = kAllProtocolFeatures;
        Trick trick{};
    };

    FakeBackend() : FakeBackend(Options{}) {}
    explicit FakeBackend(Options options) : options_(std::move(options))
    {
        std::array<int, 2> pair{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
        front_ = Fd{pair[0]};
        back_ = Fd{pair[1]};
        thread_ = std::thread([this] { run(); });
    }
    ~FakeBackend()
    {
        end();
        thread_.join();
    }
    FakeBackend(const FakeBackend&) = delete;
    FakeBackend& operator=(const FakeBackend&) = delete;

    /// The front-end's end, once.
    [[nodiscard]] Fd front() { return std::move(front_); }
    void end() const { ::shutdown(back_.get(), SHUT_RDWR); }
    void say(std::span<const std::byte> bytes) const
    {
        REQUIRE(::send(back_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(bytes.size()));
    }

    [[nodiscard]] std::vector<Request> requests()
    {
        return messages_.with([](const auto& messages) {
            std::vector<Request> all;
            for (const VhostMessage& message : messages)
                all.push_back(message.request());
            return all;
        });
    }
    [[nodiscard]] std::size_t count(Request request)
    {
        const auto all = requests();
        return static_cast<std::size_t>(std::count(all.begin(), all.end(), request));
    }
    /// The n-th message of a kind; what is there stays there.
    [[nodiscard]] const VhostMessage& message(Request request, std::size_t n = 0)
    {
        return messages_.with([&](const auto& messages) -> const VhostMessage& {
            for (const VhostMessage& one : messages)
                if (one.request() == request && n-- == 0)
                    return one;
            FAIL("there is no such message");
            return messages.front();
        });
    }

private:
    bool receive(VhostMessage& message) const
    {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(16 * sizeof(int))> control{};
        iovec piece{&message.header, sizeof message.header};
        msghdr header{};
        header.msg_iov = &piece;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        if (::recvmsg(back_.get(), &header, MSG_WAITALL | MSG_CMSG_CLOEXEC) !=
            static_cast<ssize_t>(sizeof message.header))
            return false;
        if (const cmsghdr* const rights = CMSG_FIRSTHDR(&header))
            for (std::size_t at = CMSG_LEN(0); at < rights->cmsg_len; at += sizeof(int)) {
                int fd = -1;
                std::memcpy(&fd, reinterpret_cast<const char*>(rights) + at, sizeof fd);
                message.files.emplace_back(fd);
            }
        message.payload.resize(message.header.size);
        return message.payload.empty() ||
               ::recv(back_.get(), message.payload.data(), message.payload.size(), MSG_WAITALL) ==
                   static_cast<ssize_t>(message.payload.size());
    }

    void run()
    {
        for (;;) {
            VhostMessage message;
            if (!receive(message))
                return;
            const VhostMessage* const kept = messages_.with([&](auto& messages) {
                messages.push_back(std::move(message));
                return &messages.back();
            });
            if (!options_.trick || !options_.trick(*kept, back_.get()))
                answer(*kept);
        }
    }

    void answer(const VhostMessage& message) const
    {
        switch (message.request()) {
        case Request::GetFeatures: return reply(message, options_.features);
        case Request::GetProtocolFeatures: return reply(message, options_.protocol_features);
        case Request::GetVringBase: return reply(message, message.as<vhost_user::VringState>());
        default:
            if ((message.header.flags & vhost_user::kNeedReply) != 0)
                reply(message, std::uint64_t{0});
        }
    }

    template <class T>
    void reply(const VhostMessage& message, T value) const
    {
        const vhost_user::Header header{message.header.request,
                                        vhost_user::kVersion | vhost_user::kReply, sizeof value};
        std::array<std::byte, sizeof header + sizeof value> bytes{};
        std::memcpy(bytes.data(), &header, sizeof header);
        std::memcpy(bytes.data() + sizeof header, &value, sizeof value);
        (void)::send(back_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }

    Options options_;
    Fd front_;
    Fd back_;
    Locked<std::deque<VhostMessage>> messages_;
    std::thread thread_;
};

}  // namespace gh::virtio
