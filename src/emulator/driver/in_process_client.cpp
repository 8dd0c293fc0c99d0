// SPDX-License-Identifier: BSD-3-Clause
#include "base/locked.h"
#include "emulator/driver/address_space.h"
#include "emulator/driver/client.h"
#include "emulator/driver/lent_memory.h"
#include "emulator/driver/own_memory.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::driver {
namespace {

/// A range that a guest sees in place, by a view.
struct SharedRange {
    ClientRange range;
    const GuestView* view = nullptr;
};

/// Owned by the client and its views together, since views may outlive the device that made them.
using SharedRanges = Locked<std::vector<SharedRange>>;

bool overlap(ClientRange a, ClientRange b)
{
    return a.address < b.address + b.size && b.address < a.address + a.size;
}

bool lent_already(ClientRange range)
{
    const auto vmas = mappings(range.address, range.address + range.size);
    return std::any_of(vmas.begin(), vmas.end(), [](const Vma& vma) { return vma.lent; });
}

class SharedMemory final : public GuestView {
public:
    SharedMemory(ClientRange range, std::shared_ptr<SharedRanges> ranges)
        : range_(range), ranges_(std::move(ranges)), pieces_(pieces_in_place(range))
    {
        ranges_->with([&](auto& all) { all.push_back({range_, this}); });
    }
    ~SharedMemory() override
    {
        ranges_->with([&](auto& all) {
            std::erase_if(all, [&](const SharedRange& one) { return one.view == this; });
        });
    }

    [[nodiscard]] std::span<const Piece> pieces() const noexcept override { return pieces_; }
    [[nodiscard]] int give_back(std::uint64_t offset, std::uint64_t size) noexcept override;

private:
    ClientRange range_;
    std::shared_ptr<SharedRanges> ranges_;
    std::vector<Piece> pieces_;
};

int SharedMemory::give_back(std::uint64_t offset, std::uint64_t size) noexcept
{
    const ClientRange gone{range_.address + offset, size};
    const std::uint64_t gone_end = gone.address + gone.size;
    ranges_->with([&](auto& all) {
        std::vector<SharedRange> left;
        for (const SharedRange& one : all) {
            if (one.view != this || !overlap(one.range, gone)) {
                left.push_back(one);
                continue;
            }
            const std::uint64_t end = one.range.address + one.range.size;
            if (one.range.address < gone.address)
                left.push_back({{one.range.address, gone.address - one.range.address}, this});
            if (gone_end < end)
                left.push_back({{gone_end, end - gone_end}, this});
        }
        all = std::move(left);
    });
    return 0;
}

class InProcessClient final : public Client {
public:
    [[nodiscard]] bool is_caller() const noexcept override { return ::getpid() == pid_; }
    [[nodiscard]] bool read(std::uint64_t address, std::span<std::byte> to) const noexcept override;
    [[nodiscard]] int dup_eventfd(int fd, Fd& copy) const noexcept override;
    [[nodiscard]] int share(ClientRange range, std::unique_ptr<GuestView>& view) override;
    [[nodiscard]] int lend(ClientRange range, std::unique_ptr<GuestView>& view) override;
    [[nodiscard]] bool gives_on_demand() const noexcept override { return true; }
    [[nodiscard]] bool pinnable(ClientRange range, bool write) const override;
    [[nodiscard]] bool identify(int fd, FileId& id) const noexcept override;
    [[nodiscard]] bool maps(FileId, ClientRange) const override { return false; }

private:
    [[nodiscard]] std::uint64_t lock_limit() const override { return lock_limit_of("self"); }

    pid_t pid_ = ::getpid();
    std::shared_ptr<SharedRanges> shared_ = std::make_shared<SharedRanges>();
    Locked<std::shared_ptr<Fd>> plug_;  // what stands where lent memory was
};

bool InProcessClient::read(std::uint64_t address, std::span<std::byte> to) const noexcept
{
    return read_own(address, to);
}

int InProcessClient::dup_eventfd(int fd, Fd& copy) const noexcept
{
    Fd dup{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    if (!dup)
        return errno == EBADF ? EBADF : EMFILE;
    std::array<char, 64> target{};
    const std::string link = "/proc/self/fd/" + std::to_string(dup.get());
    const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
    if (length < 0 ||
        std::string_view(target.data(), static_cast<std::size_t>(length)) != "anon_inode:[eventfd]")
        return EINVAL;
    copy = std::move(dup);
    return 0;
}

int InProcessClient::share(ClientRange range, std::unique_ptr<GuestView>& view)
{
    if (lent_already(range))
        return EINVAL;
    view = std::make_unique<SharedMemory>(range, shared_);
    return 0;
}

int InProcessClient::lend(ClientRange range, std::unique_ptr<GuestView>& view)
{
    const bool shared = shared_->with([&](const auto& all) {
        return std::any_of(all.begin(), all.end(),
                           [&](const SharedRange& other) { return overlap(range, other.range); });
    });
    if (shared || lent_already(range))
        return EINVAL;
    const auto plug = plug_.with([](std::shared_ptr<Fd>& file) {
        if (!file)
            file = make_plug();
        return file;
    });
    return plug ? LentMemory::take(range, plug, view) : ENOMEM;
}

bool InProcessClient::pinnable(ClientRange range, bool write) const
{
    std::uint64_t reached = range.address;
    for (const Vma& vma : mappings(range.address, range.address + range.size)) {
        const bool fits = vma.start == reached && vma.readable && (vma.writable || !write);
        if (!fits || (!vma.lent && !is_backed(vma)))
            return false;
        reached = vma.end;
    }
    return reached == range.address + range.size;
}

bool InProcessClient::identify(int fd, FileId& id) const noexcept
{
    struct stat info {};
    if (::fstat(fd, &info) != 0)
        return false;
    id = {info.st_dev, info.st_ino};
    return true;
}

}  // namespace

std::shared_ptr<Client> make_in_process_client()
{
    return std::make_shared<InProcessClient>();
}

}  // namespace gh::driver
