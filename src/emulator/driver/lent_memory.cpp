// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/lent_memory.h"

#include "base/bits.h"
#include "base/log.h"
#include "emulator/driver/address_space.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <sys/mman.h>

namespace gh::driver {
namespace {

constexpr std::uint64_t kHugePage = 2ull << 20;

std::byte* at(std::uint64_t address)
{
    return reinterpret_cast<std::byte*>(address);
}

bool usable(const Vma& vma)
{
    return vma.readable && !vma.lent && is_backed(vma);
}

void append(std::vector<Piece>& pieces, std::uint64_t offset, std::span<std::byte> host,
            bool writable)
{
    if (!pieces.empty()) {
        Piece& last = pieces.back();
        if (last.offset + last.host.size() == offset && last.host_writable == writable) {
            last.host = {last.host.data(), last.host.size() + host.size()};
            return;
        }
    }
    pieces.push_back({offset, host, writable});
}

}  // namespace

std::vector<Piece> pieces_in_place(ClientRange range)
{
    std::vector<Piece> pieces;
    for (const Vma& vma : mappings(range.address, range.address + range.size))
        if (usable(vma))
            append(pieces, vma.start - range.address, {at(vma.start), vma.end - vma.start},
                   vma.writable);
    return pieces;
}

int LentMemory::take(ClientRange range, std::unique_ptr<GuestView>& view)
{
    auto vmas = mappings(range.address, range.address + range.size);
    vmas.erase(std::remove_if(vmas.begin(), vmas.end(), [](const Vma& v) { return !usable(v); }),
               vmas.end());
    std::unique_ptr<LentMemory> lent{new LentMemory(range)};
    if (!vmas.empty())
        if (const int error = lent->reserve(vmas.front().start, vmas.back().end))
            return error;
    for (const Vma& vma : vmas)
        if (const int error = lent->move(vma.start, vma.end - vma.start, vma.writable))
            return error;  // the destructor undoes what was moved
    view = std::move(lent);
    return 0;
}

/// Finds room of the same size, at the same place within a huge page, so that huge pages stay huge.
int LentMemory::reserve(std::uint64_t first, std::uint64_t last) noexcept
{
    moved_ = {first, last - first};
    plug_ = Fd{::memfd_create(kPlugName, MFD_CLOEXEC)};
    if (!plug_)
        return errno;
    void* room = ::mmap(nullptr, moved_.size + kHugePage, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED)
        return errno;
    const auto start = reinterpret_cast<std::uint64_t>(room);
    const std::uint64_t head = (first - start) & (kHugePage - 1);
    if (head != 0)
        ::munmap(room, head);
    ::munmap(at(start + head + moved_.size), kHugePage - head);
    reserved_ = at(start + head);
    ::madvise(reserved_, moved_.size, MADV_DONTFORK);
    return 0;
}

int LentMemory::move(std::uint64_t start, std::uint64_t size, bool writable) noexcept
{
    std::byte* target = reserved_ + (start - moved_.address);
    // DONTUNMAP keeps other threads' mmap() out of the hole until the plug is in; hugetlb mappings
    // do not know it, so there the hole is open for a moment and the plug refuses to replace.
    int plug_flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED;
    constexpr int kMove = MREMAP_MAYMOVE | MREMAP_FIXED;
    void* moved = ::mremap(at(start), size, size, kMove | MREMAP_DONTUNMAP, target);
    if (moved == MAP_FAILED) {
        plug_flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
        moved = ::mremap(at(start), size, size, kMove, target);
    }
    if (moved == MAP_FAILED)
        return EFAULT;
    if (::mmap(at(start), size, PROT_READ | PROT_WRITE, plug_flags, plug_.get(), 0) == MAP_FAILED) {
        ::mremap(target, size, size, kMove, at(start));
        return ENOMEM;
    }
    ::madvise(at(start), size, MADV_DONTFORK);
    append(pieces_, start - range_.address, {target, size}, writable);
    return 0;
}

void LentMemory::give_back(const Piece& piece) noexcept
{
    const std::uint64_t start = range_.address + piece.offset;
    for (const Vma& vma : mappings(start, start + piece.host.size())) {
        if (!vma.lent)
            continue;  // the owner has mapped something else there: what was lent is forgotten
        const std::uint64_t size = vma.end - vma.start;
        if (::mremap(reserved_ + (vma.start - moved_.address), size, size,
                     MREMAP_MAYMOVE | MREMAP_FIXED, at(vma.start)) == MAP_FAILED)
            log(LogLevel::Error, "cannot give lent memory at %#llx back: %s",
                static_cast<unsigned long long>(vma.start),
                std::generic_category().message(errno).c_str());
    }
}

LentMemory::~LentMemory()
{
    for (const Piece& piece : pieces_)
        give_back(piece);
    if (reserved_ != nullptr)
        ::munmap(reserved_, moved_.size);
}

}  // namespace gh::driver
