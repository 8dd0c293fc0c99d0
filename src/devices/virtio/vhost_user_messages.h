// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// What goes over a vhost-user connection (QEMU, docs/interop/vhost-user.rst), in the host's byte
/// order: a header, and a payload that the request decides.
namespace gh::virtio::vhost_user {

enum class Request : std::uint32_t {
    GetFeatures = 1,
    SetFeatures = 2,
    SetOwner = 3,
    SetMemTable = 5,
    SetVringNum = 8,
    SetVringAddr = 9,
    SetVringBase = 10,
    GetVringBase = 11,
    SetVringKick = 12,
    SetVringCall = 13,
    GetProtocolFeatures = 15,
    SetProtocolFeatures = 16,
    SetVringEnable = 18,
};

// Header::flags
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kVersionMask = 3;
inline constexpr std::uint32_t kReply = 1u << 2;
inline constexpr std::uint32_t kNeedReply = 1u << 3;

struct Header {
    std::uint32_t request;
    std::uint32_t flags;
    std::uint32_t size;  // of what follows
};
static_assert(sizeof(Header) == 12);

/// VHOST_USER_F_PROTOCOL_FEATURES, among virtio's feature bits.
inline constexpr unsigned kFeatureProtocolFeatures = 30;
/// VHOST_USER_PROTOCOL_F_REPLY_ACK: what has no answer of its own is answered if kNeedReply is set,
/// with a u64 that is 0 for success.
inline constexpr unsigned kProtocolReplyAck = 3;

/// VHOST_MEMORY_BASELINE_NREGIONS: how many regions of memory every back-end takes.
inline constexpr std::size_t kMaxRegions = 8;

struct MemoryRegion {
    std::uint64_t guest_address;
    std::uint64_t size;
    std::uint64_t user_address;
    std::uint64_t mmap_offset;
};

/// The payload ends with the last region that there is.
struct MemoryTable {
    std::uint32_t num_regions;
    std::uint32_t padding;
    std::array<MemoryRegion, kMaxRegions> regions;
};
static_assert(sizeof(MemoryTable) == 8 + kMaxRegions * 32);

struct VringState {
    std::uint32_t index;
    std::uint32_t num;
};

/// Ring addresses are user addresses: those within MemoryRegion::user_address.
struct VringAddr {
    std::uint32_t index;
    std::uint32_t flags;
    std::uint64_t descriptor;
    std::uint64_t used;
    std::uint64_t available;
    std::uint64_t log;
};
static_assert(sizeof(VringAddr) == 40);

}  // namespace gh::virtio::vhost_user
