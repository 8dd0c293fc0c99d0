// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/guest_memory.h"

#include "base/bits.h"
#include "base/error.h"
#include "emulator/driver/memory_map.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::driver {

using namespace gunyah;

namespace {

bool overlap(FileRange a, FileRange b)
{
    return a.offset <= b.offset + (b.size - 1) && b.offset <= a.offset + (a.size - 1);
}

bool any_overlap(const std::vector<FileRange>& ranges, FileRange range)
{
    return range.size != 0 && std::any_of(ranges.begin(), ranges.end(), [&](const FileRange& one) {
               return overlap(one, range);
           });
}

std::vector<FileRange>::iterator find(std::vector<FileRange>& ranges, FileRange range)
{
    return std::find_if(ranges.begin(), ranges.end(), [&](const FileRange& one) {
        return one.offset == range.offset && one.size == range.size;
    });
}

std::uint64_t largest_file()
{
    return (std::uint64_t{1} << 63) - page_size();
}

}  // namespace

/// A guest's view of a range, as far as the file reaches.
class GuestMemoryView final : public GuestView {
public:
    GuestMemoryView(GuestMemory& memory, FileRange range, bool lent)
        : memory_(memory), range_(range), lent_(lent)
    {
        const std::uint64_t end = memory.file_size();
        const std::uint64_t size =
            range.offset < end ? std::min(range.size, end - range.offset) : 0;
        if (size == 0)
            return;
        mapping_ =
            Mapping("mmap of guest memory", size, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_NORESERVE, memory.fd(), static_cast<long long>(range.offset));
        piece_[0] = {0, mapping_.bytes(), true};
    }
    ~GuestMemoryView() override
    {
        if (lent_)
            memory_.take_back(range_);
    }

    [[nodiscard]] std::span<const Piece> pieces() const noexcept override
    {
        return std::span(piece_).first(mapping_.data() != nullptr ? 1 : 0);
    }

private:
    GuestMemory& memory_;  // whose binding holds this
    FileRange range_;
    bool lent_;
    Mapping mapping_;
    std::array<Piece, 1> piece_;
};

GuestMemory::GuestMemory(const gunyah_create_mem_args& wanted)
    : fd_(make_sealed_memfd("gh-gmem", std::min(wanted.size, largest_file()))),
      size_(wanted.size),
      huge_pages_((wanted.flags & GUNYAH_GUEST_MEM_ALLOW_HUGEPAGE) != 0),
      close_on_exec_((wanted.flags & GUNYAH_GUEST_MEM_CLOEXEC) != 0)
{
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0)
        throw_errno("fstat of guest memory");
    id_ = {info.st_dev, info.st_ino};
}

std::uint64_t GuestMemory::file_size() const noexcept
{
    return std::min(size_, largest_file());
}

/// The order of gunyah-uapi.md 2.3, checked against golden row gmem.fallocate.
int GuestMemory::allocate(int mode, std::uint64_t offset, std::uint64_t size)
{
    constexpr int kKnown = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
    if (size == 0 || static_cast<std::int64_t>(offset) < 0 || static_cast<std::int64_t>(size) < 0)
        return EINVAL;
    if ((mode & FALLOC_FL_KEEP_SIZE) == 0 || (mode & ~kKnown) != 0)
        return EOPNOTSUPP;
    if (!is_aligned(offset | size, page_size()))
        return EINVAL;
    const std::scoped_lock lock(mutex_);
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0) {
        if (any_overlap(lent_, {offset, size}))
            return EACCES;
    } else if (offset > size_ || size > size_ - offset) {
        return EINVAL;
    } else if ((mode & FALLOC_FL_ZERO_RANGE) != 0) {
        mode = FALLOC_FL_KEEP_SIZE;  // no difference to the driver: it allocates what is not there
    }
    return ::fallocate(fd_.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(size)) == 0
               ? 0
               : errno;
}

int GuestMemory::may_map(FileRange range) const
{
    const std::scoped_lock lock(mutex_);
    return any_overlap(lent_, range) ? EACCES : 0;
}

bool GuestMemory::bind(FileRange range)
{
    const std::scoped_lock lock(mutex_);
    if (any_overlap(bound_, range))
        return false;
    bound_.push_back(range);
    return true;
}

void GuestMemory::unbind(FileRange range)
{
    const std::scoped_lock lock(mutex_);
    if (const auto found = find(bound_, range); found != bound_.end())
        bound_.erase(found);
}

void GuestMemory::shrink(FileRange bound, FileRange gone)
{
    const std::scoped_lock lock(mutex_);
    const auto found = find(bound_, bound);
    if (found == bound_.end())
        return;
    if (gone.size == bound.size) {
        bound_.erase(found);
        return;
    }
    found->size -= gone.size;
    if (gone.offset == bound.offset)
        found->offset += gone.size;
}

bool GuestMemory::is_lendable(FileRange range, const Client& client) const
{
    {
        const std::scoped_lock lock(mutex_);
        if (mappings_ != 0)
            return false;
    }
    return !client.maps(id_, {range.offset, range.size});
}

int GuestMemory::give(FileRange range, bool lend, const Client& client,
                      std::unique_ptr<GuestView>& view)
{
    if (lend && !is_lendable(range, client))
        return EPERM;
    try {
        auto made = std::make_unique<GuestMemoryView>(*this, range, lend);
        const std::scoped_lock lock(mutex_);
        if (lend)
            lent_.push_back(range);
        view = std::move(made);
    } catch (const Error&) {
        return ENOMEM;
    }
    return 0;
}

void GuestMemory::take_back(FileRange range)
{
    const std::scoped_lock lock(mutex_);
    if (const auto found = find(lent_, range); found != lent_.end())
        lent_.erase(found);
}

bool GuestMemory::read(std::uint64_t offset, std::span<std::byte> to) const noexcept
{
    const ssize_t got = ::pread(fd_.get(), to.data(), to.size(), static_cast<off_t>(offset));
    return got >= 0 && static_cast<std::size_t>(got) == to.size();
}

Reply GuestMemories::create(const gunyah_create_mem_args& wanted)
{
    constexpr std::uint64_t kFlags = GUNYAH_GUEST_MEM_CLOEXEC | GUNYAH_GUEST_MEM_ALLOW_HUGEPAGE;
    if (!is_aligned(wanted.size, page_size()) || (wanted.flags & ~kFlags) != 0)
        return {EINVAL, 0, nullptr};
    try {
        auto memory = std::make_shared<GuestMemory>(wanted);
        const std::scoped_lock lock(mutex_);
        std::erase_if(memories_, [](const auto& entry) { return entry.second.expired(); });
        memories_[memory->id()] = memory;
        const long fd = memory->fd();
        return {0, fd, std::make_unique<GuestMemoryFile>(std::move(memory))};
    } catch (const Error&) {
        return {EMFILE, 0, nullptr};
    }
}

std::shared_ptr<GuestMemory> GuestMemories::find(const Client& client, int fd) const
{
    FileId id;
    if (!client.identify(fd, id))
        return nullptr;
    const std::scoped_lock lock(mutex_);
    const auto found = memories_.find(id);
    return found != memories_.end() ? found->second.lock() : nullptr;
}

GuestMemoryFile::~GuestMemoryFile()
{
    const std::scoped_lock lock(memory_->mutex_);
    if (mapping_.data() != nullptr)
        --memory_->mappings_;
}

Reply GuestMemoryFile::ioctl(std::uint32_t, std::uintptr_t) noexcept
{
    return {ENOTTY, 0, nullptr};
}

std::byte* GuestMemoryFile::map_run_page(std::size_t size)
{
    if (const int error = memory_->may_map({0, size}))
        throw Error("mmap of guest memory: " + errno_text(error));
    if (mapping_.data() == nullptr) {
        mapping_ = Mapping("mmap of guest memory", size, PROT_READ | PROT_WRITE, MAP_SHARED,
                           memory_->fd());
        const std::scoped_lock lock(memory_->mutex_);
        ++memory_->mappings_;
    }
    return mapping_.data();
}

}  // namespace gh::driver
