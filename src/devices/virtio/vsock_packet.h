// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <utility>

namespace gh::virtio {

inline constexpr std::uint64_t kHostCid = 2;
inline constexpr std::uint16_t kVsockStream = 1;

/// virtio 1.2, 5.10.6: operations.
enum class VsockOp : std::uint16_t {
    Request = 1,
    Response = 2,
    Rst = 3,
    Shutdown = 4,
    Rw = 5,
    CreditUpdate = 6,
    CreditRequest = 7,
};

// 5.10.6.6: flags of Shutdown
inline constexpr std::uint32_t kShutdownReceive = 1;  // the sender will receive no more
inline constexpr std::uint32_t kShutdownSend = 2;     // the sender will send no more

/// virtio 1.2, 5.10.6: what every packet begins with, `len` bytes of data behind it.
struct [[gnu::packed]] VsockHeader {
    std::uint64_t src_cid;
    std::uint64_t dst_cid;
    std::uint32_t src_port;
    std::uint32_t dst_port;
    std::uint32_t len;
    std::uint16_t type;
    std::uint16_t op;
    std::uint32_t flags;
    std::uint32_t buf_alloc;
    std::uint32_t fwd_cnt;
};
static_assert(sizeof(VsockHeader) == 44);

/// A connection: the host's port, and the guest's.
struct VsockPorts {
    std::uint32_t host = 0;
    std::uint32_t guest = 0;

    bool operator==(const VsockPorts&) const = default;
    bool operator<(const VsockPorts& other) const noexcept
    {
        return std::pair(host, guest) < std::pair(other.host, other.guest);
    }
};

}  // namespace gh::virtio
