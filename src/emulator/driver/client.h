// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <sys/types.h>

namespace gh::driver {

/// Part of a client's memory as the guest will see it.
struct Piece {
    std::uint64_t offset = 0;  // into the range that was asked for
    std::span<std::byte> host;
    bool host_writable = false;  // false: the client may only read it, so must the emulation
};

/// A range of client memory given to a guest. Destroying it gives a lent range back to the client,
/// contents intact.
class GuestView {
public:
    GuestView() = default;
    GuestView(const GuestView&) = delete;
    GuestView& operator=(const GuestView&) = delete;
    virtual ~GuestView() = default;

    /// Ascending. Client memory that is not there, or not readable, is in no piece. As it was
    /// given.
    [[nodiscard]] virtual std::span<const Piece> pieces() const noexcept = 0;

    /// Gives a part back to the client before the view goes, where the client gives_on_demand(): 0
    /// or an errno. No guest may use it any more.
    [[nodiscard]] virtual int give_back(std::uint64_t offset, std::uint64_t size) noexcept
    {
        (void)offset, (void)size;
        return EBUSY;
    }
};

struct ClientRange {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};

/// What a descriptor stands for, whatever its number.
struct FileId {
    dev_t device = 0;
    ino_t inode = 0;

    friend bool operator<(const FileId& a, const FileId& b) noexcept
    {
        return a.device != b.device ? a.device < b.device : a.inode < b.inode;
    }
};

/// All that the driver needs of the process that calls it: its memory, its descriptors and its
/// identity. The seam behind which a client in another process stands. Any thread.
class Client {
public:
    virtual ~Client() = default;

    /// True for the process that opened the device (the kernel compares its mm); not for its forks.
    [[nodiscard]] virtual bool is_caller() const noexcept = 0;

    /// copy_from_user: false where the kernel says EFAULT.
    [[nodiscard]] virtual bool read(std::uint64_t address,
                                    std::span<std::byte> to) const noexcept = 0;

    /// A copy of the client's descriptor `fd`, which must be an eventfd: 0, EBADF or EINVAL.
    [[nodiscard]] virtual int dup_eventfd(int fd, Fd& copy) const noexcept = 0;

    /// Gives memory to a guest, both sides seeing it. EINVAL if any of it is lent. Host page
    /// aligned; 0 or an errno.
    [[nodiscard]] virtual int share(ClientRange range, std::unique_ptr<GuestView>& view) = 0;

    /// Takes memory away from the client (SIGBUS on touch) until the view goes. EINVAL if any of it
    /// is shared or lent already.
    [[nodiscard]] virtual int lend(ClientRange range, std::unique_ptr<GuestView>& view) = 0;

    /// Whether share() or lend() may be called at any time and for parts of a range, as its pages
    /// are wanted. Else for the whole of it, in the ioctl that names it or in START.
    [[nodiscard]] virtual bool gives_on_demand(ClientRange range, bool lend) const = 0;

    /// Whether what is given on demand is held to what the kernel demands of it: room below
    /// RLIMIT_MEMLOCK, and is_swap_backed().
    [[nodiscard]] virtual bool locks_on_demand() const noexcept = 0;
    /// Whether all mappings of a range are of anonymous memory, of tmpfs or private: pages whose
    /// contents the kernel need not write to a disk while a guest has them.
    [[nodiscard]] virtual bool is_swap_backed(ClientRange range) const = 0;

    /// Whether every page of a range could be pinned: it is there and, if `write`, may be written.
    [[nodiscard]] virtual bool pinnable(ClientRange range, bool write) const = 0;

    /// The file behind the client's descriptor `fd`: false if it has none.
    [[nodiscard]] virtual bool identify(int fd, FileId& id) const noexcept = 0;
    /// Whether the client maps any of that range of a file, other than by gunyah::File.
    [[nodiscard]] virtual bool maps(FileId file, ClientRange range) const = 0;

    /// Counts bytes as locked by the client: false where RLIMIT_MEMLOCK forbids it, for all VMs of
    /// the client together.
    [[nodiscard]] bool lock(std::uint64_t bytes);
    void unlock(std::uint64_t bytes) noexcept { locked_ -= bytes; }
    /// Whether lock() would do; another thread may be faster.
    [[nodiscard]] bool can_lock(std::uint64_t bytes) const;

private:
    /// How many bytes it may lock: RLIMIT_MEMLOCK, or ~0 with CAP_IPC_LOCK.
    [[nodiscard]] virtual std::uint64_t lock_limit() const = 0;

    std::atomic<std::uint64_t> locked_{0};
};

/// lock_limit() of a process by its name in /proc: a number, or "self".
[[nodiscard]] std::uint64_t lock_limit_of(const std::string& process);

/// copy_from_user of one structure.
template <class T>
[[nodiscard]] bool read_struct(const Client& client, std::uint64_t address, T& value) noexcept
{
    static_assert(std::is_trivially_copyable_v<T>);
    return client.read(address, std::as_writable_bytes(std::span(&value, 1)));
}

/// The client that lives in this process.
[[nodiscard]] std::shared_ptr<Client> make_in_process_client();

}  // namespace gh::driver
