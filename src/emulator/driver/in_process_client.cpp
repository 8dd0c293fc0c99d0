// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "base/locked.h"
#include "emulator/driver/address_space.h"
#include "emulator/driver/client.h"
#include "emulator/driver/given_ranges.h"
#include "emulator/driver/lent_memory.h"
#include "emulator/driver/own_memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::driver {
namespace {

bool lent_already(ClientRange range)
{
    const auto vmas = mappings(range.address, range.address + range.size);
    return std::any_of(vmas.begin(), vmas.end(), [](const Vma& vma) { return vma.lent; });
}

class SharedMemory final : public GuestView {
public:
    SharedMemory(ClientRange range, std::shared_ptr<GivenRanges> given)
        : range_(range), given_(std::move(given)), pieces_(pieces_in_place(range))
    {
    }
    ~SharedMemory() override { given_->remove(range_, *this); }

    [[nodiscard]] std::span<const Piece> pieces() const noexcept override { return pieces_; }
    [[nodiscard]] int give_back(std::uint64_t offset, std::uint64_t size) noexcept override
    {
        given_->remove({range_.address + offset, size}, *this);
        return 0;
    }

private:
    ClientRange range_;
    std::shared_ptr<GivenRanges> given_;
    std::vector<Piece> pieces_;
};

/// How many forks lie between this process and the one that asked first. VCPU_RUN asks each time,
/// and under a filter of system calls even getpid(2) costs a tenth of an MMIO exit.
std::uint64_t forks() noexcept
{
    static std::atomic<std::uint64_t> count{0};
    static const int counted = ::pthread_atfork(nullptr, nullptr, [] { ++count; });
    GH_CHECK(counted == 0);
    return count.load(std::memory_order_relaxed);
}

class InProcessClient final : public Client {
public:
    [[nodiscard]] bool is_caller() const noexcept override { return forks() == born_; }
    [[nodiscard]] bool read(std::uint64_t address, std::span<std::byte> to) const noexcept override;
    [[nodiscard]] int dup_eventfd(int fd, Fd& copy) const noexcept override;
    [[nodiscard]] int share(ClientRange range, std::unique_ptr<GuestView>& view) override;
    [[nodiscard]] int lend(ClientRange range, std::unique_ptr<GuestView>& view) override;
    [[nodiscard]] bool gives_on_demand(ClientRange, bool) const override { return true; }
    /// A VM of gh-vmm's own on the emulated device is not to want more rights than one by KVM does.
    [[nodiscard]] bool locks_on_demand() const noexcept override { return false; }
    [[nodiscard]] bool is_swap_backed(ClientRange) const override { return true; }
    [[nodiscard]] bool pinnable(ClientRange range, bool write) const override;
    [[nodiscard]] bool identify(int fd, FileId& id) const noexcept override;
    [[nodiscard]] bool maps(FileId, ClientRange) const override { return false; }

private:
    [[nodiscard]] std::uint64_t lock_limit() const override { return lock_limit_of("self"); }

    std::uint64_t born_ = forks();
    std::shared_ptr<GivenRanges> shared_ = std::make_shared<GivenRanges>();
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
    auto shared = std::make_unique<SharedMemory>(range, shared_);
    if (!shared_->add(range, false, *shared))
        return EINVAL;
    view = std::move(shared);
    return 0;
}

int InProcessClient::lend(ClientRange range, std::unique_ptr<GuestView>& view)
{
    if (shared_->meets(range) || lent_already(range))
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
