// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/net_header.h"

#include "devices/virtio/layout.h"

#include <bit>
#include <cstring>

namespace gh::virtio {
namespace {

static_assert(std::endian::native == std::endian::little, "the header is little-endian");

bool may_segment(const NetHeader& header, std::uint64_t features)
{
    if ((header.gso_type & NetHeader::kGsoEcn) != 0 && !has_feature(features, kNetHostEcn))
        return false;
    switch (header.gso_type & ~NetHeader::kGsoEcn) {
    case NetHeader::kGsoNone: return header.gso_type == NetHeader::kGsoNone;
    case NetHeader::kGsoTcp4: return has_feature(features, kNetHostTso4);
    case NetHeader::kGsoTcp6: return has_feature(features, kNetHostTso6);
    default: return false;
    }
}

}  // namespace

bool may_send(const NetHeader& header, std::size_t size, std::uint64_t features)
{
    const bool needs_csum = (header.flags & NetHeader::kNeedsCsum) != 0;
    if (needs_csum && (!has_feature(features, kNetCsum) ||
                       std::size_t{header.csum_start} + header.csum_offset + 2 > size))
        return false;
    if (!may_segment(header, features))
        return false;
    return header.gso_type == NetHeader::kGsoNone || (needs_csum && header.gso_size != 0);
}

// RFC 1071: a sum of 16-bit words with end-around carry is the same in either byte order. The
// driver has put that of the pseudo header where the checksum goes.
void complete_checksum(const NetHeader& header, std::span<std::byte> frame)
{
    const auto summed = frame.subspan(header.csum_start);
    std::uint64_t sum = 0;
    std::size_t at = 0;
    for (; at + 4 <= summed.size(); at += 4) {
        std::uint32_t word = 0;
        std::memcpy(&word, summed.data() + at, 4);
        sum += word;
    }
    std::uint32_t rest = 0;
    std::memcpy(&rest, summed.data() + at, summed.size() - at);
    sum += rest;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    auto checksum = static_cast<std::uint16_t>(~sum);
    if (checksum == 0)
        checksum = 0xffff;  // the same number; UDP's 0 means that there is none (RFC 768)
    std::memcpy(summed.data() + header.csum_offset, &checksum, sizeof checksum);
}

}  // namespace gh::virtio
