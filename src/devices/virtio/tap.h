// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "devices/virtio/net_backend.h"

#include <string>
#include <vector>

namespace gh::virtio {

/// A network interface of the host's (Linux, Documentation/networking/tuntap.rst): what the guest
/// sends the interface receives, and the other way round. The kernel does the offloads, and checks
/// headers once more.
class Tap final : public NetBackend {
public:
    /// The interface of that name, which must be there and be this user's. Throws Error.
    explicit Tap(const std::string& interface);
    /// One that somebody else has opened, with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR. Throws Error.
    explicit Tap(Fd file);

    [[nodiscard]] std::uint64_t offloads() const noexcept override;
    void agree(std::uint64_t features) override;
    [[nodiscard]] int fd() const noexcept override { return file_.get(); }
    [[nodiscard]] std::optional<NetFrame> receive() override;
    [[nodiscard]] bool send(const NetHeader& header, const Buffer& frame) override;
    [[nodiscard]] bool flush() override { return true; }
    [[nodiscard]] const std::string& trouble() const noexcept override { return trouble_; }

private:
    void prepare();
    void set_offloads(unsigned offloads);

    Fd file_;
    std::string interface_;
    std::vector<std::byte> frame_;
    std::vector<iovec> pieces_;
    std::string trouble_;
};

/// Whether the open file is a tap or tun.
[[nodiscard]] bool is_tap(int fd) noexcept;

}  // namespace gh::virtio
