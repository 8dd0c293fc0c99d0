// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/client_memory.h"

#include "base/error.h"
#include "base/mapping.h"
#include "emulator/serve/conversation.h"
#include "emulator/serve/handed_over.h"
#include "emulator/serve/present_pages.h"
#include "emulator/serve/truncation_guard.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace gh::serve {
namespace {

using driver::ClientRange;
using driver::Piece;

/// Its range stands in `given` until it goes.
class ClientMemory final : public driver::GuestView {
public:
    ClientMemory(ClientRange range, bool lent, std::shared_ptr<GivenMemory> given)
        : range_(range), lent_(lent), given_(std::move(given))
    {
    }
    ~ClientMemory() override;

    int take(Conversation& conversation);
    [[nodiscard]] std::span<const Piece> pieces() const noexcept override { return pieces_; }
    [[nodiscard]] int give_back(std::uint64_t offset, std::uint64_t size) noexcept override;

private:
    /// Memory whose contents have moved to a file of ours.
    struct Moved {
        std::uint64_t address;  // the client's
        std::uint64_t plug_offset;
        std::size_t mapping;
    };

    bool map_own_file(pid_t thread, const Vma& vma);
    int replace(Conversation& conversation, const std::vector<Vma>& vmas);
    int copy_contents(pid_t thread, const std::vector<Vma>& vmas);
    int put_back(ClientRange part, Conversation& conversation);
    void write_back(const Moved& moved, ClientRange part, const Fd& to,
                    std::uint64_t offset) const noexcept;
    void punch(ClientRange part) const noexcept;

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

/// Sharing what the client has shared already, in a file: no need to touch its address space.
bool ClientMemory::map_own_file(pid_t thread, const Vma& vma)
{
    if (lent_ || !vma.shared)
        return false;
    const Fd file = given_->file_of(thread, vma);
    if (!file)
        return false;
    try {
        mappings_.emplace_back("mmap of a client's memory", vma.end - vma.start,
                               PROT_READ | (vma.writable ? PROT_WRITE : 0), MAP_SHARED, file.get(),
                               static_cast<long long>(vma.offset));
        guards_.emplace_back(mappings_.back().bytes());
    } catch (const Error&) {
        return false;
    }
    pieces_.push_back({vma.start - range_.address, mappings_.back().bytes(), vma.writable});
    return true;
}

int ClientMemory::take(Conversation& conversation)
{
    const pid_t thread = conversation.call().thread;
    std::vector<Vma> to_replace;
    for (const Vma& vma : mappings(thread, range_.address, range_.address + range_.size))
        if (vma.readable && !map_own_file(thread, vma))
            to_replace.push_back(vma);
    if (!to_replace.empty())
        if (const int error = replace(conversation, to_replace))
            return error;
    std::sort(pieces_.begin(), pieces_.end(),
              [](const Piece& a, const Piece& b) { return a.offset < b.offset; });
    return 0;
}

/// Shared memory stays the client's: it maps the very same file.
int ClientMemory::copy_contents(pid_t thread, const std::vector<Vma>& vmas)
{
    const int lent_file = lent_ ? given_->lent_file() : -1;
    for (const Vma& vma : vmas) {
        const std::uint64_t size = vma.end - vma.start;
        try {
            mappings_.emplace_back("mmap of a guest's memory", size, PROT_READ | PROT_WRITE,
                                   MAP_SHARED | MAP_NORESERVE, lent_ ? lent_file : plug_.get(),
                                   static_cast<long long>(lent_ ? vma.start : plug_size_));
        } catch (const Error&) {
            return ENOMEM;
        }
        moved_.push_back({vma.start, plug_size_, mappings_.size() - 1});
        const auto host = mappings_.back().bytes();
        const bool copied =
            PresentPages(thread, vma).for_each([&](std::uint64_t at, std::uint64_t bytes) {
                return read_memory(thread, vma.start + at, host.subspan(at, bytes));
            });
        if (!copied)
            return EFAULT;
        pieces_.push_back({vma.start - range_.address, host, vma.writable});
        plug_size_ += size;
    }
    return 0;
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
    int error = copy_contents(thread, vmas);
    if (error != 0)
        return error;
    {
        HandedOver plug(conversation, plug_);
        error = plug.error();
        for (std::size_t i = 0; i < vmas.size() && error == 0; ++i)
            error = plug.replace(vmas[i], moved_[i].plug_offset);
    }
    given_->remember(thread, plug_);
    return error;
}

/// Only what is not a hole: a guest seldom touches all of its memory.
void ClientMemory::write_back(const Moved& moved, ClientRange part, const Fd& to,
                              std::uint64_t offset) const noexcept
{
    const auto bytes = mappings_[moved.mapping].bytes();
    const int file = given_->lent_file();
    const auto last = static_cast<off_t>(part.address + part.size);
    for (auto at = static_cast<off_t>(part.address);
         at < last && (at = ::lseek(file, at, SEEK_DATA)) >= 0;) {
        const off_t end = std::min(last, ::lseek(file, at, SEEK_HOLE));
        while (at < end) {
            const auto from = static_cast<std::uint64_t>(at);
            const auto rest =
                bytes.subspan(from - moved.address, static_cast<std::size_t>(end - at));
            const ssize_t written = ::pwrite(to.get(), rest.data(), rest.size(),
                                             static_cast<off_t>(offset + (from - part.address)));
            if (written <= 0)
                return;
            at += written;
        }
    }
}

void ClientMemory::punch(ClientRange part) const noexcept
{
    (void)::fallocate(given_->lent_file(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                      static_cast<off_t>(part.address), static_cast<off_t>(part.size));
}

/// What the client has mapped over since stays so.
int ClientMemory::put_back(ClientRange part, Conversation& conversation)
{
    const pid_t thread = conversation.call().thread;
    Fd file;
    try {
        file = make_sealed_memfd("gunyah-returned", part.size);
    } catch (const Error&) {
        return ENOMEM;
    }
    for (const Moved& moved : moved_) {
        const std::uint64_t end = moved.address + mappings_[moved.mapping].size();
        const std::uint64_t first = std::clamp(part.address, moved.address, end);
        const std::uint64_t last = std::clamp(part.address + part.size, first, end);
        if (first < last)
            write_back(moved, {first, last - first}, file, first - part.address);
    }
    const std::uint64_t plug = inode_of(plug_);
    HandedOver returned(conversation, file);
    int error = returned.error();
    for (const Vma& vma : mappings(thread, part.address, part.address + part.size))
        if (error == 0 && vma.inode == plug)
            error = returned.replace(vma, vma.start - part.address);
    given_->remember(thread, file);
    if (error == 0)
        punch(part);
    return error;
}

/// Of lent memory in a call of the client's alone: nobody else can map it there.
int ClientMemory::give_back(std::uint64_t offset, std::uint64_t size) noexcept
{
    const ClientRange part{range_.address + offset, size};
    if (lent_) {
        Conversation* const conversation = Conversation::current();
        const int error = conversation != nullptr ? put_back(part, *conversation) : EBUSY;
        if (error != 0)
            return error;
    }
    given_->ranges.remove(part, *this);
    return 0;
}

/// Lent memory comes back with what the guest left there: the file that stands for it is filled.
ClientMemory::~ClientMemory()
{
    if (lent_ && plug_ && ::ftruncate(plug_.get(), static_cast<off_t>(plug_size_)) == 0)
        for (const Moved& moved : moved_) {
            const ClientRange all{moved.address, mappings_[moved.mapping].size()};
            write_back(moved, all, plug_, moved.plug_offset);
            punch(all);
        }
    given_->ranges.remove(range_, *this);
}

}  // namespace

int give_memory(ClientRange range, bool lend, const std::shared_ptr<GivenMemory>& given,
                std::unique_ptr<driver::GuestView>& view)
{
    Conversation* const conversation = Conversation::current();
    if (conversation == nullptr)
        return EFAULT;
    auto memory = std::make_unique<ClientMemory>(range, lend, given);
    if (!given->ranges.add(range, lend, *memory))
        return EINVAL;
    if (const int error = memory->take(*conversation))
        return error;
    view = std::move(memory);
    return 0;
}

}  // namespace gh::serve
