// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/guest_memory.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"
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

template <class Range>
bool any_overlap(const std::vector<Range>& ranges, FileRange range)
{
    return range.size != 0 && std::any_of(ranges.begin(), ranges.end(), [&](const FileRange& one) {
               return overlap(one, range);
           });
}

bool same(FileRange a, FileRange b)
{
    return a.offset == b.offset && a.size == b.size;
}

/// The pages that are there go from one file to the same place in another.
bool move_pages(FileRange range, int from, int to) noexcept
{
    std::array<std::byte, 1u << 16> buffer;
    const auto last = static_cast<off_t>(range.offset + range.size);
    for (auto at = static_cast<off_t>(range.offset);
         at < last && (at = ::lseek(from, at, SEEK_DATA)) >= 0;) {
        const off_t end = std::min(last, ::lseek(from, at, SEEK_HOLE));
        while (at < end) {
            const auto want = std::min(buffer.size(), static_cast<std::size_t>(end - at));
            const ssize_t got = ::pread(from, buffer.data(), want, at);
            if (got <= 0 || ::pwrite(to, buffer.data(), static_cast<std::size_t>(got), at) != got)
                return false;
            at += got;
        }
    }
    return ::fallocate(from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                       static_cast<off_t>(range.offset), static_cast<off_t>(range.size)) == 0;
}

std::uint64_t largest_file()
{
    return (std::uint64_t{1} << 63) - page_size();
}

}  // namespace

/// A guest's view of a range, as far as the file reaches. What it has alone lies in a file that no
/// client has a descriptor of.
class GuestMemoryView final : public GuestView {
public:
    GuestMemoryView(GuestMemory& memory, FileRange range, bool lent)
        : memory_(memory), range_(range), lent_(lent)
    {
        const std::uint64_t end = memory.file_size();
        range_.size = range.offset < end ? std::min(range.size, end - range.offset) : 0;
        if (range_.size == 0)
            return;
        mapping_ = Mapping("mmap of guest memory", range_.size, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_NORESERVE, lent ? memory.lent_fd() : memory.fd(),
                           static_cast<long long>(range.offset));
        if (lent && !move_pages(range_, memory.fd(), memory.lent_fd()))
            throw Error("guest memory cannot be moved out of its owner's reach");
        piece_[0] = {0, mapping_.bytes(), true};
    }
    ~GuestMemoryView() override { (void)give_back(0, range_.size); }

    [[nodiscard]] std::span<const Piece> pieces() const noexcept override
    {
        return std::span(piece_).first(mapping_.data() != nullptr ? 1 : 0);
    }
    [[nodiscard]] int give_back(std::uint64_t offset, std::uint64_t size) noexcept override
    {
        if (lent_ && size != 0)
            memory_.end_lending({range_.offset + offset, size}, *this);
        return 0;
    }
    [[nodiscard]] FileRange range() const noexcept { return range_; }

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
    if ((mode & FALLOC_FL_PUNCH_HOLE) != 0) {
        if (const int error = take_from_guests({offset, size}))
            return error;
    } else if (offset > size_ || size > size_ - offset) {
        return EINVAL;
    } else if ((mode & FALLOC_FL_ZERO_RANGE) != 0) {
        mode = FALLOC_FL_KEEP_SIZE;  // no difference to the driver: it allocates what is not there
    }
    return ::fallocate(fd_.get(), mode, static_cast<off_t>(offset), static_cast<off_t>(size)) == 0
               ? 0
               : errno;
}

/// Made when it is wanted first. Throws Error if the host makes no more.
int GuestMemory::lent_fd()
{
    const std::scoped_lock lock(mutex_);
    if (!lent_fd_)
        lent_fd_ = make_sealed_memfd("gh-lent", file_size());
    return lent_fd_.get();
}

int GuestMemory::prepare_map(FileRange range)
{
    // What the kernel refuses takes nothing; it maps whole pages, also beyond the end.
    if (!is_aligned(range.offset, page_size()) || range.offset >= file_size())
        return 0;
    range.size = align_up(std::min(range.size, file_size() - range.offset), page_size());
    {
        const std::scoped_lock lock(mutex_);
        if (!any_overlap(lent_, range))
            return 0;
    }
    return take_from_guests(range);
}

/// Every VM that has bound any of the range is asked; one that goes meanwhile has nothing left.
int GuestMemory::take_from_guests(FileRange range)
{
    std::vector<std::shared_ptr<MemoryUser>> users;
    {
        const std::scoped_lock lock(mutex_);
        for (const Bound& one : bound_)
            if (auto user = overlap(one.range, range) ? one.user.lock() : nullptr)
                users.push_back(std::move(user));
    }
    int result = 0;
    for (const auto& user : users)
        if (const int error = user->take_back(*this, range))
            result = error;
    return result;
}

bool GuestMemory::bind(FileRange range, std::weak_ptr<MemoryUser> user)
{
    const std::scoped_lock lock(mutex_);
    if (std::any_of(bound_.begin(), bound_.end(),
                    [&](const Bound& one) { return overlap(one.range, range); }))
        return false;
    bound_.push_back({range, std::move(user)});
    return true;
}

std::vector<GuestMemory::Bound>::iterator GuestMemory::find_bound(FileRange range)
{
    return std::find_if(bound_.begin(), bound_.end(),
                        [&](const Bound& one) { return same(one.range, range); });
}

void GuestMemory::unbind(FileRange range)
{
    const std::scoped_lock lock(mutex_);
    if (const auto found = find_bound(range); found != bound_.end())
        bound_.erase(found);
}

void GuestMemory::shrink(FileRange bound, FileRange gone)
{
    const std::scoped_lock lock(mutex_);
    const auto found = find_bound(bound);
    if (found == bound_.end())
        return;
    if (gone.size == bound.size) {
        bound_.erase(found);
        return;
    }
    found->range.size -= gone.size;
    if (gone.offset == bound.offset)
        found->range.offset += gone.size;
}

bool GuestMemory::is_lendable(FileRange range, const Client& client) const
{
    {
        const std::scoped_lock lock(mutex_);
        if (any_overlap(mapped_, range))
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
        if (lend && made->range().size != 0)
            lent_.push_back({made->range(), made.get()});
        view = std::move(made);
    } catch (const Error&) {
        return ENOMEM;
    }
    return 0;
}

void GuestMemory::end_lending(FileRange range, const GuestView& by)
{
    const std::scoped_lock lock(mutex_);
    std::vector<Lent> left;
    for (const Lent& one : lent_) {
        if (one.by != &by) {
            left.push_back(one);
            continue;
        }
        const std::uint64_t end = one.offset + one.size;
        const std::uint64_t first = std::clamp(range.offset, one.offset, end);
        const std::uint64_t last = std::clamp(range.offset + range.size, first, end);
        if (first < last && !move_pages({first, last - first}, lent_fd_.get(), fd_.get()))
            log(LogLevel::Error, "lent memory cannot be given back: the host has no more memory");
        if (first > one.offset)
            left.push_back({{one.offset, first - one.offset}, &by});
        if (last < end)
            left.push_back({{last, end - last}, &by});
    }
    lent_ = std::move(left);
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
    const auto found =
        std::find_if(memory_->mapped_.begin(), memory_->mapped_.end(), [&](const FileRange& one) {
            return same(one, {0, mapping_.size()});
        });
    if (mapping_.data() != nullptr && found != memory_->mapped_.end())
        memory_->mapped_.erase(found);
}

Reply GuestMemoryFile::ioctl(std::uint32_t, std::uintptr_t) noexcept
{
    return {ENOTTY, 0, nullptr};
}

std::byte* GuestMemoryFile::map_run_page(std::size_t size)
{
    if (const int error = memory_->prepare_map({0, size}))
        throw Error("mmap of guest memory: " + errno_text(error));
    if (mapping_.data() == nullptr) {
        mapping_ = Mapping("mmap of guest memory", size, PROT_READ | PROT_WRITE, MAP_SHARED,
                           memory_->fd());
        const std::scoped_lock lock(memory_->mutex_);
        memory_->mapped_.push_back({0, mapping_.size()});
    }
    return mapping_.data();
}

}  // namespace gh::driver
