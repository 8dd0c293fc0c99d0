// SPDX-License-Identifier: BSD-3-Clause
#include "memory/guest_memory.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kBlock = 0x20'0000;
constexpr std::uint64_t kChunk = 16 << 20;

std::string place(const RegionSpec& spec)
{
    std::array<char, 80> text{};
    std::snprintf(text.data(), text.size(), "guest memory 0x%llx + 0x%llx",
                  static_cast<unsigned long long>(raw(spec.base)),
                  static_cast<unsigned long long>(spec.size));
    return text.data();
}

bool writes_reach_file(const RegionSpec& spec)
{
    return spec.access.write && !spec.copy_on_write;
}

Fd open_backing(const RegionSpec& spec)
{
    if (!spec.file)
        return make_sealed_memfd("guest-" + std::to_string(spec.label), spec.size);
    Fd fd = open_file(*spec.file, writes_reach_file(spec) ? O_RDWR : O_RDONLY);
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        throw_errno("stat " + *spec.file);
    const auto length = static_cast<std::uint64_t>(status.st_size);
    const bool device = S_ISBLK(status.st_mode) || S_ISCHR(status.st_mode);
    if (!device && (length < spec.offset || length - spec.offset < spec.size))
        throw Error(*spec.file + " is too short for " + place(spec) + ": it has " +
                    std::to_string(length) + " bytes, " + std::to_string(spec.offset + spec.size) +
                    " are needed (truncate -s enlarges it)");
    return fd;
}

/// Never for a child, never in a core dump: what every mapping of guest memory gets.
void keep_private(void* at, std::size_t size)
{
    if (::madvise(at, size, MADV_DONTFORK) != 0)
        throw_errno("madvise(MADV_DONTFORK) of guest memory");
    static_cast<void>(::madvise(at, size, MADV_DONTDUMP));
}

/// Transparent huge pages rather than a hugetlbfs pool: a pool must be reserved by an
/// administrator, and the Gunyah driver of android15 and later refuses pages that cannot be
/// swapped.
void ask_for_huge_pages(void* at, std::size_t size)
{
    const bool asked = ::madvise(at, size, MADV_HUGEPAGE) == 0;
    std::array<char, 80> enabled{};
    const Fd fd{::open("/sys/kernel/mm/transparent_hugepage/shmem_enabled", O_RDONLY | O_CLOEXEC)};
    if (fd && ::read(fd.get(), enabled.data(), enabled.size() - 1) < 0)
        enabled[0] = '\0';
    if (!asked || std::strstr(enabled.data(), "[never]") != nullptr)
        log(LogLevel::Warn,
            "memory.hugepages: this host gives none to shared memory; write \"advise\" to "
            "/sys/kernel/mm/transparent_hugepage/shmem_enabled");
}

/// Lets the kernel copy from the file's pages to the memfd's: half the cost of read(2) into a fresh
/// mapping, which takes a fault and clears a page for each it fills. False: not between these two.
bool send_file(int memfd, std::uint64_t at, const FileRange& from)
{
    if (::lseek(memfd, static_cast<off_t>(at), SEEK_SET) < 0)
        return false;
    auto offset = static_cast<off_t>(from.offset);
    const auto end = static_cast<off_t>(from.offset + from.size);
    while (offset < end) {
        const auto rest = static_cast<std::size_t>(end - offset);
        if (::sendfile(memfd, from.fd, &offset, rest) <= 0)
            return false;
    }
    return true;
}

/// 0 or an errno. Contents stay. Linux 5.14 and later.
int populate(std::span<std::byte> memory, bool writable)
{
    const int advice = writable ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
    while (::madvise(memory.data(), memory.size(), advice) != 0)
        if (errno != EINTR && errno != EAGAIN)
            return errno;
    return 0;
}

/// In pieces, so that a signal finds a gap and an error says how far it went.
void populate_all(const RegionSpec& spec, std::span<std::byte> memory)
{
    for (std::uint64_t done = 0; done < spec.size; done += kChunk) {
        const auto piece = memory.subspan(done, std::min(kChunk, spec.size - done));
        const int error = populate(piece, spec.access.write);
        if (error == 0)
            continue;
        if (error == EINVAL)
            throw Error("memory.prefault: this kernel cannot do it; Linux 5.14 and later can");
        throw Error("memory.prefault: the host has only " + std::to_string(done >> 20) + " of " +
                    std::to_string(spec.size >> 20) + " MiB for " + place(spec) + " (" +
                    errno_text(error) + "): make memory.size smaller or end other programs");
    }
}

}  // namespace

MemoryRegion::MemoryRegion(RegionSpec spec)
    : spec_(std::move(spec)),
      fd_(open_backing(spec_)),
      reserve_("address space for guest memory", spec_.size + 2 * kBlock, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)
{
    const auto start = reinterpret_cast<std::uintptr_t>(reserve_.data());
    const std::uint64_t skip = align_up(start, kBlock) - start + bits(raw(spec_.base), 0, 21);
    const int protection = PROT_READ | (spec_.access.write ? PROT_WRITE : 0);
    void* const at =
        ::mmap(reserve_.data() + skip, spec_.size, protection,
               (spec_.copy_on_write ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED | MAP_NORESERVE,
               fd_.get(), static_cast<off_t>(offset()));
    if (at == MAP_FAILED)
        throw_errno("map " + place(spec_));
    host_ = {static_cast<std::byte*>(at), spec_.size};
    keep_private(at, spec_.size);
    if (spec_.hugepages)
        ask_for_huge_pages(at, spec_.size);
    if (spec_.prefault)
        populate_all(spec_, host_);
}

void MemoryRegion::populate_around(Gpa at) const noexcept
{
    const auto address = reinterpret_cast<std::uintptr_t>(host_.data()) + (at - base());
    const auto begin = reinterpret_cast<std::uintptr_t>(host_.data());
    const std::uint64_t from = std::max(align_down(address, kBlock), begin) - begin;
    const std::uint64_t to = std::min(align_down(address, kBlock) + kBlock - begin, size());
    (void)populate(host_.subspan(from, to - from), spec_.access.write);
}

GuestMemory::GuestMemory(const std::vector<RegionSpec>& specs)
{
    for (const auto& spec : specs) {
        for (const auto& other : regions_) {
            if (other.label() == spec.label)
                throw Error("two memory regions have the label " + std::to_string(spec.label));
            if (spec.base - other.base() < other.size() || other.base() - spec.base < spec.size)
                throw Error(place(spec) + " overlaps the region with label " +
                            std::to_string(other.label()));
        }
        regions_.emplace_back(spec);
    }
    std::sort(regions_.begin(), regions_.end(), [](const MemoryRegion& a, const MemoryRegion& b) {
        return raw(a.base()) < raw(b.base());
    });
}

const MemoryRegion* GuestMemory::region_at(Gpa at) const
{
    const auto it = std::find_if(
        regions_.begin(), regions_.end(),
        [at](const MemoryRegion& region) { return at - region.base() < region.size(); });
    return it == regions_.end() ? nullptr : &*it;
}

std::optional<std::span<std::byte>> GuestMemory::range(Gpa at, std::uint64_t size) const
{
    const MemoryRegion* const region = region_at(at);
    if (region == nullptr)
        return std::nullopt;
    const std::uint64_t offset = at - region->base();
    if (size > region->size() - offset)
        return std::nullopt;
    return region->host().subspan(offset, size);
}

bool GuestMemory::write(Gpa at, std::span<const std::byte> bytes) const
{
    const auto there = range(at, bytes.size());
    if (there)
        std::copy(bytes.begin(), bytes.end(), there->begin());
    return there.has_value();
}

void GuestMemory::read_file(Gpa at, const FileRange& from) const
{
    auto rest = range(at, from.size);
    if (!rest)
        throw Error("a file of " + std::to_string(from.size) +
                    " bytes does not fit into guest memory");
    const MemoryRegion& region = *region_at(at);
    if (!region.is_file() && send_file(region.fd(), at - region.base(), from))
        return;
    std::uint64_t offset = from.offset;
    while (!rest->empty()) {
        const ssize_t got =
            ::pread(from.fd, rest->data(), std::min<std::size_t>(rest->size(), kChunk),
                    static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            throw_errno("read into guest memory");
        if (got == 0)
            throw Error("a file ended before all its bytes were read into guest memory");
        rest = rest->subspan(static_cast<std::size_t>(got));
        offset += static_cast<std::uint64_t>(got);
    }
}

bool GuestMemory::map_file(Gpa at, const FileRange& from) const
{
    const MemoryRegion* const region = region_at(at);
    const std::uint64_t whole = align_down(from.size, kPage);
    const auto there = range(at, whole);
    if (!there || region->is_file() || !is_aligned(raw(at) | from.offset, kPage))
        return false;
    if (whole != 0) {
        const int protection = PROT_READ | (region->access().write ? PROT_WRITE : 0);
        void* const mapped = ::mmap(there->data(), whole, protection, MAP_PRIVATE | MAP_FIXED,
                                    from.fd, static_cast<off_t>(from.offset));
        if (mapped == MAP_FAILED)
            return false;  // not a file that can be mapped: the old memory is still there
        keep_private(mapped, whole);
    }
    read_file(at + whole, {from.fd, from.offset + whole, from.size - whole});
    return true;
}

}  // namespace gh
