// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/mapping.h"
#include "memory/gpa.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace gh {

/// Whether the host keeps its own access while the guest has the memory.
enum class Sharing { Share, Lend };

/// What the guest may do with memory.
struct Access {
    bool read = true;
    bool write = true;
    bool execute = true;
};

/// A stretch of guest-physical memory as planned: nothing is made yet.
struct RegionSpec {
    std::uint32_t label = 0;
    Gpa base{};
    std::uint64_t size = 0;             // a multiple of 4 KiB
    std::optional<std::string> file{};  // none: a memfd
    std::uint64_t offset = 0;           // into `file`, a multiple of 4 KiB
    bool copy_on_write = false;         // of `file`: writes stay out of it
    bool hugepages = false;
    Access access{};
    Sharing sharing = Sharing::Share;
    bool prefault = false;  // its pages come into being with the region
};

/// A stretch of guest-physical memory in our address space, at a 2 MiB boundary plus whatever the
/// guest address lies off one. Never inherited by a fork (a child's copy-on-write of lent pages
/// crashes some hosts), never part of a core dump. Pages come into being when first touched, unless
/// the specification says otherwise.
class MemoryRegion {
public:
    /// Throws Error: the file is missing or too short, the host has no memory left.
    explicit MemoryRegion(RegionSpec spec);

    [[nodiscard]] std::uint32_t label() const { return spec_.label; }
    [[nodiscard]] Gpa base() const { return spec_.base; }
    [[nodiscard]] std::uint64_t size() const { return spec_.size; }
    [[nodiscard]] Access access() const { return spec_.access; }
    [[nodiscard]] Sharing sharing() const { return spec_.sharing; }
    [[nodiscard]] bool is_file() const { return spec_.file.has_value(); }
    [[nodiscard]] std::span<std::byte> host() const { return host_; }
    /// The memfd or file behind it, where there is one to map a second time (not for copies on
    /// write); `offset()` is where the region begins in it.
    [[nodiscard]] int fd() const { return spec_.copy_on_write ? -1 : fd_.get(); }
    [[nodiscard]] std::uint64_t offset() const { return spec_.file ? spec_.offset : 0; }

    /// Takes the pages of the 2 MiB around `at`, which lies in the region, from the host, as far as
    /// it has them. Any thread.
    void populate_around(Gpa at) const noexcept;

private:
    RegionSpec spec_;
    Fd fd_;
    Mapping reserve_;  // holds the addresses; the memory is mapped over its middle
    std::span<std::byte> host_;
};

/// A file's bytes on their way into guest memory.
struct FileRange {
    int fd = -1;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

/// All memory of one guest. Made by one thread; afterwards any thread may look up ranges. What the
/// bytes hold is the guest's to change at any time: copy before checking.
class GuestMemory {
public:
    /// Throws Error, also for regions that overlap or share a label.
    explicit GuestMemory(const std::vector<RegionSpec>& specs);

    [[nodiscard]] const std::vector<MemoryRegion>& regions() const { return regions_; }
    [[nodiscard]] const MemoryRegion* region_at(Gpa at) const;

    /// The one door to guest memory: `size` bytes at `at`, all in one region, else nothing.
    [[nodiscard]] std::optional<std::span<std::byte>> range(Gpa at, std::uint64_t size) const;

    /// Copies in; false where the bytes do not all fit into one region.
    bool write(Gpa at, std::span<const std::byte> bytes) const;

    /// Reads `from` straight to `at`, without a buffer between. Throws Error (short file, bad
    /// range).
    void read_file(Gpa at, const FileRange& from) const;

    /// Puts the file's own pages at `at`, copied only when written to: costs nothing however large.
    /// Only for memory that stays in this process (a driver that pins pages wants swap-backed ones)
    /// and for a page-aligned `at` and offset; a partial last page is read. False: not possible
    /// there, nothing done. The file must not be truncated while the guest lives.
    bool map_file(Gpa at, const FileRange& from) const;

private:
    std::vector<MemoryRegion> regions_;  // by address
};

}  // namespace gh
