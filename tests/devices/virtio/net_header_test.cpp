// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/net_header.h"

#include "devices/virtio/layout.h"

#include <array>
#include <vector>

#include <doctest/doctest.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kAll =
    feature_flag(kNetCsum) | feature_flag(kNetHostTso4) | feature_flag(kNetHostTso6);

NetHeader segments(std::uint8_t type, std::uint16_t size)
{
    return {.flags = NetHeader::kNeedsCsum,
            .gso_type = type,
            .gso_size = size,
            .csum_start = 34,
            .csum_offset = 16};
}

/// The checksum at the end of these bytes, which were summed from `from` on.
std::uint16_t completed(std::vector<unsigned> values, std::uint16_t from)
{
    std::vector<std::byte> bytes;
    for (const unsigned value : values)
        bytes.push_back(static_cast<std::byte>(value));
    const auto at = static_cast<std::uint16_t>(bytes.size() - 2);
    complete_checksum({.flags = NetHeader::kNeedsCsum,
                       .csum_start = from,
                       .csum_offset = static_cast<std::uint16_t>(at - from)},
                      bytes);
    return static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[at]) << 8 |
                                      std::to_integer<unsigned>(bytes[at + 1u]));
}

}  // namespace

TEST_CASE("a checksum is RFC 1071's")
{
    CHECK(completed({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0, 0}, 0) == 0x220d);
    CHECK(completed({0xaa, 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7, 0, 0}, 1) == 0x220d);
    CHECK(completed({0xff, 0xff, 0, 0}, 0) == 0xffff);
    CHECK(completed({0, 0}, 0) == 0xffff);
    CHECK(completed({0x12, 0x34, 0x22, 0x0d}, 0) == 0xcbbe);  // what stands there is summed, too
}

TEST_CASE("a checksum lies within the frame")
{
    const NetHeader header{.flags = NetHeader::kNeedsCsum, .csum_start = 50, .csum_offset = 8};
    CHECK(may_send(header, 60, kAll));
    CHECK_FALSE(may_send(header, 59, kAll));
    CHECK_FALSE(may_send(header, 60, 0));
    CHECK_FALSE(may_send({.flags = 1, .csum_start = 0xffff, .csum_offset = 0xffff}, 60, kAll));
    CHECK(may_send({.csum_start = 0xffff, .csum_offset = 0xffff}, 60, kAll));  // says nothing
}

TEST_CASE("only what was agreed on is segmented, into pieces of a size")
{
    CHECK(may_send(segments(NetHeader::kGsoTcp4, 1448), 4000, kAll));
    CHECK(may_send(segments(NetHeader::kGsoTcp6, 1448), 4000, kAll));
    CHECK_FALSE(may_send(segments(NetHeader::kGsoTcp4, 0), 4000, kAll));
    CHECK_FALSE(may_send(segments(NetHeader::kGsoTcp4, 1448), 4000, feature_flag(kNetCsum)));
    CHECK_FALSE(may_send(segments(3, 1448), 4000, kAll));  // UDP
    CHECK_FALSE(may_send(segments(0x7f, 1448), 4000, kAll));
    CHECK_FALSE(may_send(segments(NetHeader::kGsoEcn, 1448), 4000, ~std::uint64_t{0}));
    CHECK_FALSE(may_send(segments(NetHeader::kGsoEcn | NetHeader::kGsoTcp4, 1448), 4000, kAll));
    CHECK_FALSE(may_send({.gso_type = NetHeader::kGsoTcp4, .gso_size = 1448}, 4000, kAll));
}

}  // namespace gh::virtio
