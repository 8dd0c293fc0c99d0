// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/slots.h"

#include <array>
#include <string_view>

/// The keys of the guest's memory: keys.cpp puts them into the file. The words of an enumeration
/// stand in its order.
namespace gh::config {

inline constexpr std::array<std::string_view, 2> kSharings{"share", "lend"};
inline constexpr std::array<std::string_view, 4> kAccesses{"r", "rw", "rx", "rwx"};
inline constexpr std::array<std::string_view, 1> kAlsoHugepages{"huge_pages"};
inline constexpr std::array<std::string_view, 2> kAlsoPrefault{"populate", "prealloc"};

inline constexpr std::array kRegionKeys{
    Key{.name = "label",
        .kind = Kind::Number,
        .slot = kValue<&Region::label>,
        .help = "The number that the hypervisor knows the region by. Without it: a free one.",
        .range = {1, 0xffff'ffff}},
    Key{.name = "address",
        .kind = Kind::Address,
        .slot = kValue<&Region::address>,
        .help = "Where the guest sees the region.",
        .required = true,
        .range = {kLowestRegion, kAddressEnd - kPage, kPage},
        .note = "below lie the devices and Gunyah's info page"},
    Key{.name = "size",
        .kind = Kind::Size,
        .slot = kValue<&Region::size>,
        .help = "Bytes of the region. Without it: what `file` holds from `offset` on.",
        .range = {kPage, kAddressEnd - kLowestRegion, kPage}},
    Key{.name = "file",
        .kind = Kind::Path,
        .slot = kValue<&Region::file>,
        .help = "A file whose contents the guest sees there. Without it: memory full of zeros.",
        .file = FileUse::Read},
    Key{.name = "offset",
        .kind = Kind::Size,
        .slot = kValue<&Region::offset>,
        .help = "Where in `file` the region begins.",
        .range = {0, 1ull << 62, kPage}},
    Key{.name = "copy_on_write",
        .kind = Kind::Flag,
        .slot = kValue<&Region::copy_on_write>,
        .help = "Keep what the guest writes out of `file`."},
    Key{.name = "access",
        .kind = Kind::Choice,
        .slot = kValue<&Region::access>,
        .help = "What the guest may do there: read, write, execute.",
        .choices = kAccesses},
    Key{.name = "sharing",
        .kind = Kind::Choice,
        .slot = kValue<&Region::sharing>,
        .help = "Whether the host keeps access to the region (share) or loses it (lend).",
        .choices = kSharings},
};
inline constexpr Key kRegion{.kind = Kind::Object, .members = kRegionKeys};

inline constexpr std::array kMemoryKeys{
    Key{.name = "size",
        .kind = Kind::Size,
        .slot = kValue<&Memory::size>,
        .help = "Bytes of guest RAM.",
        .range = {kBlock, kAddressEnd - kLowestRam, kPage}},
    Key{.name = "base",
        .kind = Kind::Address,
        .slot = kValue<&Memory::base>,
        .help = "Where guest RAM begins.",
        .range = {kLowestRam, kAddressEnd - kBlock, kBlock},
        .note = "below lie the devices and Gunyah's info page"},
    Key{.name = "sharing",
        .kind = Kind::Choice,
        .slot = kValue<&Memory::sharing>,
        .help = "Whether the host keeps access to guest RAM (share) or loses it until the VM ends "
                "(lend, a protected VM).",
        .choices = kSharings},
    Key{.name = "swiotlb",
        .kind = Kind::Size,
        .slot = kValue<&Memory::swiotlb>,
        .help = "Bytes of bounce buffer, shared with the host and placed behind RAM, for a guest "
                "whose RAM is lent.",
        .range = {0, 1ull << 30, kBlock}},
    Key{.name = "hugepages",
        .kind = Kind::Flag,
        .slot = kValue<&Memory::hugepages>,
        .help = "Back RAM by the host's huge pages of 2 MiB.",
        .also = kAlsoHugepages},
    Key{.name = "prefault",
        .kind = Kind::Flag,
        .slot = kValue<&Memory::prefault>,
        .help = "Take all of RAM from the host before the VM starts, so that it cannot run short "
                "while the guest runs.",
        .also = kAlsoPrefault},
    Key{.name = "file",
        .kind = Kind::Path,
        .slot = kValue<&Memory::file>,
        .help = "Back RAM by this file, written as the guest runs, instead of anonymous memory.",
        .file = FileUse::ReadWrite},
    Key{.name = "regions",
        .kind = Kind::List,
        .slot = kList<&Memory::regions>,
        .help = "More regions of guest memory.",
        .range = {0, 32},
        .element = &kRegion},
};

}  // namespace gh::config
