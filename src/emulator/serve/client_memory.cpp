// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/client_memory.h"

#include "base/error.h"
#include "base/log.h"
#include "emulator/serve/borrowed_thread.h"
#include "emulator/serve/truncation_guard.h"

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <deque>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::serve {
namespace {

using driver::ClientRange;
using driver::Piece;

constexpr std::uint64_t kPresent = 3ull << 62;  // of a pagemap entry: in memory or in swap
constexpr std::size_t kCopy = 1u << 20;

bool overlap(ClientRange a, ClientRange b)
{
    return a.address < b.address + b.size && b.address < a.address + a.size;
}

int protection(bool readable, bool writable, bool executable)
{
    return (readable ? PROT_READ : 0) | (writable ? PROT_WRITE : 0) | (executable ? PROT_EXEC : 0);
}

/// Which pages of an anonymous mapping hold anything; all of them if that cannot be told.
class PresentPages {
public:
    PresentPages(pid_t thread, const Vma& vma)
        : page_(static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))),
          first_(vma.start / page_),
          count_((vma.end - vma.start) / page_)
    {
        const std::string path = "/proc/" + std::to_string(thread) + "/pagemap";
        if (vma.inode == 0)
            pagemap_ = Fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    }
    /// Calls body(offset, size) for each run of such pages, in pieces of at most 1 MiB. A mapping
    /// may be larger than all memory: no more than a piece of the pagemap is held.
    template <class F>
    bool for_each(F&& body) const
    {
        std::vector<std::uint64_t> entries;
        for (std::uint64_t at = 0; at < count_; at += entries.size()) {
            entries.resize(std::min<std::uint64_t>(kEntries, count_ - at));
            read(at, entries);
            for (std::size_t i = 0; i < entries.size();) {
                std::size_t end = i;
                while (end < entries.size() && (entries[end] & kPresent) != 0 &&
                       (end - i) * page_ < kCopy)
                    ++end;
                if (end > i && !body((at + i) * page_, (end - i) * page_))
                    return false;
                i = std::max(end, i + 1);
            }
        }
        return true;
    }

private:
    static constexpr std::size_t kEntries = 1u << 16;

    void read(std::uint64_t at, std::span<std::uint64_t> entries) const
    {
        const auto size = static_cast<ssize_t>(entries.size_bytes());
        if (!pagemap_ || ::pread(pagemap_.get(), entries.data(), entries.size_bytes(),
                                 static_cast<off_t>((first_ + at) * sizeof entries[0])) != size)
            std::ranges::fill(entries, kPresent);
    }

    std::uint64_t page_;
    std::uint64_t first_;
    std::uint64_t count_;
    Fd pagemap_;
};

/// Files that the process holds by no mapping any more are nobody's.
void forget_unmapped(pid_t thread, std::map<ino_t, Fd>& files)
{
    if (files.empty())
        return;
    std::set<ino_t> mapped;
    for (const Vma& vma : mappings(thread, 0, ~std::uint64_t{0}))
        mapped.insert(vma.inode);
    std::erase_if(files, [&](const auto& file) { return !mapped.contains(file.first); });
}

/// Its range stands in `given` already, until it goes.
class ClientMemory final : public driver::GuestView {
public:
    ClientMemory(ClientRange range, bool lent, std::shared_ptr<GivenMemory> given)
        : range_(range), lent_(lent), given_(std::move(given))
    {
    }
    ~ClientMemory() override;

    int take(pid_t thread);
    [[nodiscard]] std::span<const Piece> pieces() const noexcept override { return pieces_; }

private:
    struct Moved {
        std::uint64_t plug_offset;
        std::size_t mapping;
        Fd file;  // of lent memory
    };

    bool map_own_file(pid_t thread, const Vma& vma);
    int replace(Conversation& conversation, const std::vector<Vma>& vmas);
    int replace_one(BorrowedThread& thread, const Vma& vma, int plug_there, std::uint64_t offset);
    int copy_contents(pid_t thread, const std::vector<Vma>& vmas);
    void put_back(const Moved& moved) const noexcept;
    void append(const Vma& vma, std::span<std::byte> host);

    ClientRange range_;
    bool lent_;
    std::shared_ptr<GivenMemory> given_;
    std::vector<Mapping> mappings_;
    std::deque<TruncationGuard> guards_;  // of mappings_
    std::vector<Piece> pieces_;
    // What stands in the client's address space instead of its own memory.
    Fd plug_;
    std::uint64_t plug_size_ = 0;
    std::vector<Moved> moved_;
};

void ClientMemory::append(const Vma& vma, std::span<std::byte> host)
{
    pieces_.push_back({vma.start - range_.address, host, vma.writable});
}

/// Sharing what the client has shared already, in a file: no need to touch its address space.
bool ClientMemory::map_own_file(pid_t thread, const Vma& vma)
{
    if (lent_ || !vma.shared)
        return false;
    Fd file = given_->with([&](Given& given) {
        const auto ours = given.files.find(vma.inode);
        return ours != given.files.end() ? Fd{::fcntl(ours->second.get(), F_DUPFD_CLOEXEC, 0)}
                                         : Fd{};
    });
    if (!file)
        file = open_mapped_file(thread, vma);
    if (!file)
        return false;
    try {
        mappings_.emplace_back("mmap of a client's memory", vma.end - vma.start,
                               protection(true, vma.writable, false), MAP_SHARED, file.get(),
                               static_cast<long long>(vma.offset));
        guards_.emplace_back(mappings_.back().bytes());
    } catch (const Error&) {
        return false;
    }
    append(vma, mappings_.back().bytes());
    return true;
}

int ClientMemory::take(pid_t thread)
{
    std::vector<Vma> to_replace;
    for (const Vma& vma : mappings(thread, range_.address, range_.address + range_.size))
        if (vma.readable && !map_own_file(thread, vma))
            to_replace.push_back(vma);
    Conversation* const conversation = Conversation::current();
    if (!to_replace.empty() && conversation != nullptr)
        if (const int error = replace(*conversation, to_replace))
            return error;
    std::sort(pieces_.begin(), pieces_.end(),
              [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
    return 0;
}

/// The client's memory is copied while its thread stands still, as it does in START.
int ClientMemory::copy_contents(pid_t thread, const std::vector<Vma>& vmas)
{
    for (const Vma& vma : vmas) {
        try {
            Fd file;
            if (lent_)
                file = make_memfd("gunyah-memory", vma.end - vma.start);
            // Shared memory stays the client's: it maps the very same file.
            mappings_.emplace_back(
                "mmap of a guest's memory", vma.end - vma.start, PROT_READ | PROT_WRITE, MAP_SHARED,
                lent_ ? file.get() : plug_.get(), lent_ ? 0 : static_cast<long long>(plug_size_));
            moved_.push_back({plug_size_, mappings_.size() - 1, std::move(file)});
        } catch (const Error&) {
            return ENOMEM;
        }
        const auto host = mappings_.back().bytes();
        const bool copied =
            PresentPages(thread, vma).for_each([&](std::uint64_t at, std::uint64_t size) {
                return read_memory(thread, vma.start + at, host.subspan(at, size));
            });
        if (!copied)
            return EFAULT;
        append(vma, host);
        plug_size_ += vma.end - vma.start;
    }
    return 0;
}

int ClientMemory::replace_one(BorrowedThread& thread, const Vma& vma, int plug_there,
                              std::uint64_t offset)
{
    const long at = thread.call(
        SYS_mmap,
        {vma.start, vma.end - vma.start,
         static_cast<std::uint64_t>(protection(vma.readable, vma.writable, vma.executable)),
         MAP_SHARED | MAP_FIXED | MAP_NORESERVE, static_cast<std::uint64_t>(plug_there), offset});
    return static_cast<std::uint64_t>(at) == vma.start ? 0 : EFAULT;
}

int ClientMemory::replace(Conversation& conversation, const std::vector<Vma>& vmas)
{
    std::uint64_t total = 0;
    for (const Vma& vma : vmas)
        total += vma.end - vma.start;
    try {
        // The client could shorten what both of us have mapped.
        plug_ = lent_ ? make_memfd("gunyah-lent", 0) : make_sealed_memfd("gunyah-shared", total);
    } catch (const Error&) {
        return ENOMEM;
    }
    const pid_t thread = conversation.call().thread;
    if (const int error = copy_contents(thread, vmas))
        return error;
    const int plug_there = conversation.listener().hand_over(conversation.call(), plug_.get());
    if (plug_there < 0)
        return -plug_there;
    BorrowedThread borrowed(conversation);
    if (borrowed.error() != 0) {
        log(LogLevel::Warn,
            "memory of process %d cannot be given to a guest: its thread cannot be stopped (%s)%s",
            thread, errno_text(borrowed.error()).c_str(),
            borrowed.error() == EBUSY ? "; do not run it under a debugger or strace" : "");
        return borrowed.error();
    }
    int error = 0;
    for (std::size_t i = 0; i < vmas.size() && error == 0; ++i)
        error = replace_one(borrowed, vmas[i], plug_there, moved_[i].plug_offset);
    (void)borrowed.call(SYS_close, {static_cast<std::uint64_t>(plug_there)});
    struct stat info {};
    if (::fstat(plug_.get(), &info) == 0)
        given_->with([&](Given& given) {
            forget_unmapped(thread, given.files);
            given.files[info.st_ino] = Fd{::fcntl(plug_.get(), F_DUPFD_CLOEXEC, 0)};
        });
    return error;
}

/// Only what is not a hole: a guest seldom touches all of its memory.
void ClientMemory::put_back(const Moved& moved) const noexcept
{
    const auto bytes = mappings_[moved.mapping].bytes();
    for (off_t at = 0; (at = ::lseek(moved.file.get(), at, SEEK_DATA)) >= 0;) {
        const off_t end = ::lseek(moved.file.get(), at, SEEK_HOLE);
        while (at < end) {
            const auto rest =
                bytes.subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(end - at));
            const ssize_t written = ::pwrite(plug_.get(), rest.data(), rest.size(),
                                             static_cast<off_t>(moved.plug_offset) + at);
            if (written <= 0)
                return;
            at += written;
        }
    }
}

/// Lent memory comes back with what the guest left there.
ClientMemory::~ClientMemory()
{
    if (lent_ && plug_ && ::ftruncate(plug_.get(), static_cast<off_t>(plug_size_)) == 0)
        for (const Moved& moved : moved_)
            put_back(moved);
    given_->with([&](Given& given) {
        const auto found =
            std::find_if(given.ranges.begin(), given.ranges.end(), [&](const Given::Range& one) {
                return one.range.address == range_.address && one.range.size == range_.size &&
                       one.lent == lent_;
            });
        if (found != given.ranges.end())
            given.ranges.erase(found);
    });
}

}  // namespace

int give_memory(ClientRange range, bool lend, const std::shared_ptr<GivenMemory>& given,
                std::unique_ptr<driver::GuestView>& view)
{
    const Conversation* const conversation = Conversation::current();
    if (conversation == nullptr)
        return EFAULT;
    const bool taken = given->with([&](Given& all) {
        const bool conflict =
            std::any_of(all.ranges.begin(), all.ranges.end(), [&](const Given::Range& other) {
                return overlap(range, other.range) && (lend || other.lent);
            });
        if (!conflict)
            all.ranges.push_back({range, lend});
        return conflict;
    });
    if (taken)
        return EINVAL;
    auto memory = std::make_unique<ClientMemory>(range, lend, given);
    if (const int error = memory->take(conversation->call().thread))
        return error;
    view = std::move(memory);
    return 0;
}

}  // namespace gh::serve
