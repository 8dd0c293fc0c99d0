// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

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

    /// Ascending. Client memory that is not there, or not readable, is in no piece.
    [[nodiscard]] virtual std::span<const Piece> pieces() const noexcept = 0;
};

struct ClientRange {
    std::uint64_t address = 0;
    std::uint64_t size = 0;
};

/// All that the driver needs of the process that calls it: its memory, its descriptors and its
/// identity. The seam behind which a client in another process will stand. Any thread.
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
};

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
