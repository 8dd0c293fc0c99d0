// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "devices/virtio/net_backend.h"

#include <string>
#include <vector>

namespace gh::virtio {

/// A connected stream socket whose peer is a network, as passt and QEMU's `-netdev stream` speak:
/// each frame after its length, four bytes in network order. No header goes along, so checksums are
/// completed here and frames of the peer's count as sound, there being no wire.
class FrameSocket final : public NetBackend {
public:
    /// `peer`: for messages. Throws Error.
    FrameSocket(Fd socket, std::string peer);
    /// Leaves the stream where a frame begins, for another who has the socket, too; waits for a
    /// peer that has stopped in one for a second at most.
    ~FrameSocket() override;

    [[nodiscard]] std::uint64_t offloads() const noexcept override;
    void agree(std::uint64_t features) override;
    [[nodiscard]] int fd() const noexcept override { return socket_.get(); }
    [[nodiscard]] std::optional<NetFrame> receive() override;
    [[nodiscard]] bool send(const NetHeader& header, const Buffer& frame) override;
    [[nodiscard]] bool flush() override;
    [[nodiscard]] const std::string& trouble() const noexcept override { return trouble_; }

private:
    [[nodiscard]] std::optional<std::span<const std::byte>> take_frame();
    [[nodiscard]] bool read_more(std::size_t most);
    [[nodiscard]] std::size_t left_to_send() const;
    [[nodiscard]] std::size_t left_to_receive();
    void fail(const std::string& why);

    Fd socket_;
    std::string peer_;
    bool guest_csum_ = false;
    std::vector<std::byte> in_;  // received, from in_begin_ to in_end_
    std::size_t in_begin_ = 0;
    std::size_t in_end_ = 0;
    std::vector<std::byte> out_;  // to be sent, from out_begin_ on
    std::size_t out_begin_ = 0;
    std::string trouble_;
};

}  // namespace gh::virtio
