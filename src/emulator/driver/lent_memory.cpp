// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/lent_memory.h"

#include "base/bits.h"
#include "base/log.h"
#include "emulator/driver/address_space.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

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

std::shared_ptr<Fd> make_plug() noexcept
{
    Fd file{::memfd_create(kPlugName, MFD_CLOEXEC)};
    return file ? std::make_shared<Fd>(std::move(file)) : nullptr;
}

int LentMemory::take(ClientRange range, std::shared_ptr<Fd> plug, std::unique_ptr<GuestView>& view)
{
    auto vmas = mappings(range.address, range.address + range.size);
    vmas.erase(std::remove_if(vmas.begin(), vmas.end(), [](const Vma& v) { return !usable(v); }),
               vmas.end());
    std::unique_ptr<LentMemory> lent{new LentMemory(range, std::move(plug))};
    if (!vmas.empty())
        if (const int error = lent->reserve(vmas.front().start, vmas.back().end))
            return error;
    int error = 0;
    for (auto vma = vmas.begin(); vma != vmas.end() && error == 0; ++vma)
        error = lent->move(vma->start, vma->end - vma->start, vma->writable);
    lent->held_ = lent->pieces_;
    lent->trim();
    if (error == 0)  // else the destructor undoes what was moved
        view = std::move(lent);
    return error;
}

/// Finds room of the same size, at the same place within a huge page, so that huge pages stay huge.
int LentMemory::reserve(std::uint64_t first, std::uint64_t last) noexcept
{
    moved_ = {first, last - first};
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
    // At an offset of its own, so that plugs side by side are one mapping.
    if (::mmap(at(start), size, PROT_READ | PROT_WRITE, plug_flags, plug_->get(),
               static_cast<off_t>(start)) == MAP_FAILED) {
        ::mremap(target, size, size, kMove, at(start));
        return ENOMEM;
    }
    ::madvise(at(start), size, MADV_DONTFORK);
    append(pieces_, start - range_.address, {target, size}, writable);
    return 0;
}

/// Lets go of the room that nothing moved to: from now on only held_ is ours.
void LentMemory::trim() noexcept
{
    std::uint64_t used = moved_.address;
    const auto free_until = [&](std::uint64_t address) {
        if (address > used)
            ::munmap(reserved_ + (used - moved_.address), address - used);
    };
    for (const Piece& piece : pieces_) {
        free_until(range_.address + piece.offset);
        used = range_.address + piece.offset + piece.host.size();
    }
    free_until(moved_.address + moved_.size);
}

namespace {

/// Moves mappings of ours, one by one as mremap() wants it.
void move_mappings(std::uint64_t from, std::uint64_t size, std::uint64_t to) noexcept
{
    for (const Vma& vma : mappings(from, from + size)) {
        const std::uint64_t length = vma.end - vma.start;
        const std::uint64_t target = to + (vma.start - from);
        if (::mremap(at(vma.start), length, length, MREMAP_MAYMOVE | MREMAP_FIXED, at(target)) ==
            MAP_FAILED)
            log(LogLevel::Error, "cannot give lent memory at %#llx back: %s",
                static_cast<unsigned long long>(target),
                std::generic_category().message(errno).c_str());
    }
}

/// `part` of the owner's address space gets what lies at `from`.
void move_back(ClientRange part, std::byte* from) noexcept
{
    std::uint64_t done = part.address;
    const auto forget_until = [&](std::uint64_t address) {
        if (address > done)
            ::munmap(from + (done - part.address), address - done);
    };
    for (const Vma& vma : mappings(part.address, part.address + part.size)) {
        if (!vma.lent)
            continue;  // the owner has mapped something else there
        forget_until(vma.start);
        move_mappings(reinterpret_cast<std::uint64_t>(from) + (vma.start - part.address),
                      vma.end - vma.start, vma.start);
        done = vma.end;
    }
    forget_until(part.address + part.size);
}

}  // namespace

int LentMemory::give_back(std::uint64_t offset, std::uint64_t size) noexcept
{
    std::vector<Piece> held;
    for (const Piece& piece : held_) {
        const std::uint64_t piece_end = piece.offset + piece.host.size();
        const std::uint64_t first = std::clamp(offset, piece.offset, piece_end);
        const std::uint64_t last = std::clamp(offset + size, first, piece_end);
        if (first == last) {
            held.push_back(piece);
            continue;
        }
        const auto head = piece.host.first(first - piece.offset);
        const auto tail = piece.host.last(piece_end - last);
        move_back({range_.address + first, last - first}, piece.host.data() + head.size());
        if (!head.empty())
            held.push_back({piece.offset, head, piece.host_writable});
        if (!tail.empty())
            held.push_back({last, tail, piece.host_writable});
    }
    held_ = std::move(held);
    return 0;
}

LentMemory::~LentMemory()
{
    (void)give_back(0, range_.size);
}

}  // namespace gh::driver
