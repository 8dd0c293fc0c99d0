// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/disk_operation.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

bool is_unsupported(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == ENODEV || error == EINVAL;
}

}  // namespace

std::span<const iovec> DiskOperation::left() const noexcept
{
    return std::span(pieces).subspan(first, std::min<std::size_t>(pieces.size() - first, IOV_MAX));
}

std::int64_t DiskOperation::perform() const noexcept
{
    const auto at = static_cast<off_t>(offset);
    const auto some = left();
    const auto count = static_cast<int>(some.size());
    std::array<std::uint64_t, 2> range{offset, size};
    std::int64_t result = -1;
    switch (call) {
    case Call::Read: result = ::preadv(fd, some.data(), count, at); break;
    case Call::Write: result = ::pwritev(fd, some.data(), count, at); break;
    case Call::Sync: result = ::fdatasync(fd); break;
    case Call::Allocate: result = ::fallocate(fd, mode, at, static_cast<off_t>(size)); break;
    case Call::Discard: result = ::ioctl(fd, BLKDISCARD, range.data()); break;
    }
    return result < 0 ? -errno : result;
}

std::optional<std::int64_t> DiskOperation::perform_cached() const noexcept
{
    const auto some = left();
    const ssize_t result = ::preadv2(fd, some.data(), static_cast<int>(some.size()),
                                     static_cast<off_t>(offset), RWF_NOWAIT);
    if (result >= 0)
        return result;
    return errno == EAGAIN || errno == EOPNOTSUPP ? std::nullopt
                                                  : std::optional<std::int64_t>(-errno);
}

std::optional<int> DiskOperation::advance(std::int64_t result)
{
    const bool transfers = call == Call::Read || call == Call::Write;
    if (result == -EINTR || result == -EAGAIN)
        return std::nullopt;
    if (result >= 0)
        return transfers ? transferred(static_cast<std::uint64_t>(result)) : 0;
    const auto error = static_cast<int>(-result);
    const bool gives_room_back = call == Call::Allocate || call == Call::Discard;
    return gives_room_back && is_unsupported(error) ? unsupported() : error;
}

std::optional<int> DiskOperation::transferred(std::uint64_t bytes)
{
    if (bytes == 0 && first < pieces.size())
        return EIO;  // somebody has shortened the image
    offset += bytes;
    while (first < pieces.size() && bytes >= pieces[first].iov_len)
        bytes -= pieces[first++].iov_len;
    if (bytes != 0) {
        pieces[first].iov_base = static_cast<std::byte*>(pieces[first].iov_base) + bytes;
        pieces[first].iov_len -= bytes;
    }
    return first < pieces.size() ? std::nullopt : std::optional(0);
}

std::optional<int> DiskOperation::unsupported()
{
    if (otherwise == Otherwise::Nothing)
        return 0;
    static constexpr std::array<std::byte, 64 << 10> kZeroes{};
    call = Call::Write;
    pieces.clear();
    first = 0;
    for (std::uint64_t length = 0; size != 0; size -= length) {
        length = std::min<std::uint64_t>(size, kZeroes.size());
        pieces.push_back({const_cast<std::byte*>(kZeroes.data()), length});
    }
    return std::nullopt;
}

}  // namespace gh::virtio
