// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/chain.h"
#include "devices/virtio/net_header.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace gh::virtio {

/// A frame from the host for the guest.
struct NetFrame {
    NetHeader header;  // but for num_buffers
    std::span<const std::byte> bytes;
};

/// What a network device leads to on the host. One thread at a time, and none of it waits. Trouble
/// of the host's at run time is a value: the device takes its link down, and the VM runs on.
class NetBackend {
public:
    NetBackend() = default;
    NetBackend(const NetBackend&) = delete;
    NetBackend& operator=(const NetBackend&) = delete;
    virtual ~NetBackend() = default;

    /// Which of the offloads of net_header.h it can do, as feature bits. The same at all times.
    [[nodiscard]] virtual std::uint64_t offloads() const noexcept = 0;
    /// A driver begins, which has agreed to these features. Throws Error.
    virtual void agree(std::uint64_t features) = 0;

    /// To wait for: readable where receive() may have something, writable where flush() may.
    [[nodiscard]] virtual int fd() const noexcept = 0;
    /// The next frame that has come, of at most kMaxNetFrame bytes; they last until the next call.
    [[nodiscard]] virtual std::optional<NetFrame> receive() = 0;
    /// Sends a frame for which may_send() holds, or drops it where the host does not take it.
    /// False: no more until flush() has said that all went.
    [[nodiscard]] virtual bool send(const NetHeader& header, const Buffer& frame) = 0;
    /// Hands over what send() has kept back. False: not all of it.
    [[nodiscard]] virtual bool flush() = 0;

    /// Why nothing comes and goes any more; empty while all is well.
    [[nodiscard]] virtual const std::string& trouble() const noexcept = 0;
};

}  // namespace gh::virtio
