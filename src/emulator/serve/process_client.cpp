// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/serve/process_client.h"

#include "emulator/serve/client_memory.h"
#include "emulator/serve/conversation.h"
#include "emulator/serve/process.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <linux/kcmp.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::serve {
namespace {

pid_t caller() noexcept
{
    const Conversation* const conversation = Conversation::current();
    return conversation != nullptr ? conversation->call().thread : 0;
}

class ProcessClient final : public driver::Client {
public:
    explicit ProcessClient(pid_t process) : process_(process) {}

    [[nodiscard]] bool is_caller() const noexcept override;
    [[nodiscard]] bool read(std::uint64_t address, std::span<std::byte> to) const noexcept override;
    [[nodiscard]] int dup_eventfd(int fd, Fd& copy) const noexcept override;
    [[nodiscard]] int share(driver::ClientRange range,
                            std::unique_ptr<driver::GuestView>& view) override
    {
        return give_memory(range, false, given_, view);
    }
    [[nodiscard]] int lend(driver::ClientRange range,
                           std::unique_ptr<driver::GuestView>& view) override
    {
        return give_memory(range, true, given_, view);
    }
    /// What is private to it, and shared now, is copied once, before the guest runs: its other
    /// threads may write there meanwhile. They must not to what is lent.
    [[nodiscard]] bool gives_on_demand(driver::ClientRange range, bool lend) const override
    {
        return lend || is_of_files(range, caller(), *given_);
    }
    [[nodiscard]] bool locks_on_demand() const noexcept override { return true; }
    [[nodiscard]] bool is_swap_backed(driver::ClientRange range) const override
    {
        return serve::is_swap_backed(range, caller(), *given_);
    }
    [[nodiscard]] bool pinnable(driver::ClientRange range, bool write) const override;
    [[nodiscard]] bool identify(int fd, driver::FileId& id) const noexcept override;
    [[nodiscard]] bool maps(driver::FileId file, driver::ClientRange range) const override;

private:
    [[nodiscard]] std::uint64_t lock_limit() const override
    {
        return driver::lock_limit_of(std::to_string(process_));
    }

    const pid_t process_;
    std::shared_ptr<GivenMemory> given_ = std::make_shared<GivenMemory>();
};

/// The kernel compares mm, and so do we where it lets us (CONFIG_KCMP).
bool ProcessClient::is_caller() const noexcept
{
    const long same = ::syscall(SYS_kcmp, process_, caller(), KCMP_VM, 0, 0);
    return same >= 0 ? same == 0 : process_of(caller()) == process_;
}

bool ProcessClient::read(std::uint64_t address, std::span<std::byte> to) const noexcept
{
    return read_memory(caller(), address, to);
}

int ProcessClient::dup_eventfd(int fd, Fd& copy) const noexcept
{
    const pid_t thread = caller();
    struct stat info {};
    if (!stat_fd(thread, fd, info))
        return EBADF;
    if (read_link(thread, "fd/" + std::to_string(fd)) != "anon_inode:[eventfd]")
        return EINVAL;
    copy = copy_fd(thread, fd);
    return copy ? 0 : errno;
}

bool ProcessClient::pinnable(driver::ClientRange range, bool write) const
{
    std::uint64_t reached = range.address;
    for (const Vma& vma : mappings(caller(), range.address, range.address + range.size)) {
        if (vma.start != reached || !vma.readable || (write && !vma.writable))
            return false;
        reached = vma.end;
    }
    return reached == range.address + range.size;
}

bool ProcessClient::identify(int fd, driver::FileId& id) const noexcept
{
    struct stat info {};
    if (!stat_fd(caller(), fd, info))
        return false;
    id = {info.st_dev, info.st_ino};
    return true;
}

bool ProcessClient::maps(driver::FileId file, driver::ClientRange range) const
{
    const auto vmas = mappings(process_, 0, ~std::uint64_t{0});
    return std::any_of(vmas.begin(), vmas.end(), [&](const Vma& vma) {
        const std::uint64_t last = vma.offset + (vma.end - vma.start - 1);
        return vma.device == file.device && vma.inode == file.inode &&
               vma.offset <= range.address + (range.size - 1) && range.address <= last;
    });
}

}  // namespace

std::shared_ptr<driver::Client> make_process_client(pid_t process)
{
    return std::make_shared<ProcessClient>(process);
}

}  // namespace gh::serve
