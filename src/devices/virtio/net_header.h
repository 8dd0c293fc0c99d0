// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gh::virtio {

/// virtio 1.2, 5.1.3: feature bits. GUEST_ ones are what the driver takes in, HOST_ ones and CSUM
/// what it hands out.
inline constexpr unsigned kNetCsum = 0;
inline constexpr unsigned kNetGuestCsum = 1;
inline constexpr unsigned kNetMtu = 3;
inline constexpr unsigned kNetMac = 5;
inline constexpr unsigned kNetGuestTso4 = 7;
inline constexpr unsigned kNetGuestTso6 = 8;
inline constexpr unsigned kNetGuestEcn = 9;
inline constexpr unsigned kNetHostTso4 = 11;
inline constexpr unsigned kNetHostTso6 = 12;
inline constexpr unsigned kNetHostEcn = 13;
inline constexpr unsigned kNetMergeBuffers = 15;
inline constexpr unsigned kNetStatus = 16;

/// What stands before each frame (5.1.6, struct virtio_net_hdr); Linux's tap has the same.
struct NetHeader {
    static constexpr std::uint8_t kNeedsCsum = 1;  // flags
    static constexpr std::uint8_t kDataValid = 2;
    static constexpr std::uint8_t kGsoNone = 0;  // gso_type
    static constexpr std::uint8_t kGsoTcp4 = 1;
    static constexpr std::uint8_t kGsoTcp6 = 4;
    static constexpr std::uint8_t kGsoEcn = 0x80;  // beside one of the others

    std::uint8_t flags = 0;
    std::uint8_t gso_type = kGsoNone;
    std::uint16_t hdr_len = 0;
    std::uint16_t gso_size = 0;
    std::uint16_t csum_start = 0;
    std::uint16_t csum_offset = 0;
    std::uint16_t num_buffers = 0;
};
static_assert(sizeof(NetHeader) == 12);

/// The longest frame of either side: 64 KiB of IP with Ethernet's and a VLAN's header.
inline constexpr std::size_t kMaxNetFrame = 65535 + 18;

/// Whether a driver may send this before a frame of `size` bytes, given what both agreed on: the
/// checksum lies within the frame, and segments have a size (5.1.6.2).
[[nodiscard]] bool may_send(const NetHeader& header, std::size_t size, std::uint64_t features);

/// Does what kNeedsCsum asks for, in a frame for which may_send() holds.
void complete_checksum(const NetHeader& header, std::span<std::byte> frame);

}  // namespace gh::virtio
