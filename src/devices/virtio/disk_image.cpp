// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/disk_image.h"

#include "base/bits.h"
#include "base/error.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <vector>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr std::size_t kBounce = 1 << 20;
constexpr std::uint32_t kPage = 4096;

/// preadv(2) or pwritev(2) until all is done. `pieces` is used up.
template <class Call>
int transfer_all(Call call, int fd, std::vector<iovec> pieces, std::uint64_t offset)
{
    std::size_t first = 0;
    while (first < pieces.size()) {
        const auto count = static_cast<int>(std::min<std::size_t>(pieces.size() - first, IOV_MAX));
        const ssize_t got = call(fd, &pieces[first], count, static_cast<off_t>(offset));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            return EIO;  // somebody has shortened the image
        offset += static_cast<std::uint64_t>(got);
        auto left = static_cast<std::size_t>(got);
        while (first < pieces.size() && left >= pieces[first].iov_len)
            left -= pieces[first++].iov_len;
        if (left != 0) {
            pieces[first].iov_base = static_cast<std::byte*>(pieces[first].iov_base) + left;
            pieces[first].iov_len -= left;
        }
    }
    return 0;
}

int read_all(int fd, std::span<const iovec> pieces, std::uint64_t offset)
{
    return transfer_all(::preadv, fd, {pieces.begin(), pieces.end()}, offset);
}

int write_all(int fd, std::span<const iovec> pieces, std::uint64_t offset)
{
    return transfer_all(::pwritev, fd, {pieces.begin(), pieces.end()}, offset);
}

int allocate(int fd, int mode, std::uint64_t offset, std::uint64_t size)
{
    int result = -1;
    do
        result = ::fallocate(fd, mode | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                             static_cast<off_t>(size));
    while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

bool is_unsupported(int error)
{
    return error == EOPNOTSUPP || error == ENOSYS || error == ENODEV || error == EINVAL;
}

int write_out_zeroes(int fd, std::uint64_t offset, std::uint64_t size)
{
    static constexpr std::array<std::byte, 64 << 10> kZeroes{};
    while (size != 0) {
        const auto length = std::min<std::uint64_t>(size, kZeroes.size());
        const iovec piece{const_cast<std::byte*>(kZeroes.data()), length};
        if (const int error = write_all(fd, std::span(&piece, 1), offset))
            return error;
        offset += length;
        size -= length;
    }
    return 0;
}

}  // namespace

DiskImage::DiskImage(const Options& options)
    : options_(options), file_(open_file(options.path, options.readonly ? O_RDONLY : O_RDWR))
{
    measure();
    if (options_.lock)
        take_lock();
    if (options_.direct)
        open_direct();
}

void DiskImage::measure()
{
    struct stat status {};
    if (::fstat(file_.get(), &status) != 0)
        throw_errno("stat " + options_.path);
    is_device_ = S_ISBLK(status.st_mode);
    if (!is_device_ && !S_ISREG(status.st_mode))
        throw Error(options_.path + ": a disk must be a regular file or a block device");
    const off_t end = ::lseek(file_.get(), 0, SEEK_END);
    if (end < 0)
        throw_errno("find the size of " + options_.path);
    size_ = align_down(static_cast<std::uint64_t>(end), kSector);
    if (size_ == 0)
        throw Error(options_.path + ": a disk must have a sector of 512 bytes at least");
    int sector = 0;
    if (is_device_ && ::ioctl(file_.get(), BLKSSZGET, &sector) == 0 && sector > 0)
        block_size_ = static_cast<std::uint32_t>(sector);
}

void DiskImage::take_lock() const
{
    struct flock lock {};
    lock.l_type = static_cast<short>(options_.readonly ? F_RDLCK : F_WRLCK);
    lock.l_whence = SEEK_SET;
    if (::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0)
        return;
    if (errno == EAGAIN || errno == EACCES)
        throw Error(options_.path + ": the disk is in use by another VM or program" +
                    (options_.readonly ? ", which writes it" : "") +
                    "; end that, or give the disk \"lock\": false if it is known to be safe");
    throw_errno("lock " + options_.path + " (\"lock\": false does without)");
}

// The smallest transfer that the host takes past its cache is what a guest should keep to.
void DiskImage::open_direct()
{
    direct_ = open_file(options_.path, (options_.readonly ? O_RDONLY : O_RDWR) | O_DIRECT);
    bounce_ = Mapping("buffer for direct disk access", kBounce, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS);
    for (std::uint32_t size = block_size_; size <= kPage; size *= 2)
        if (::pread(direct_.get(), bounce_.data(), size, 0) >= 0) {
            block_size_ = size;
            return;
        }
    throw_errno("read " + options_.path + " with O_DIRECT (\"direct\": false does without)");
}

bool DiskImage::is_direct(const Buffer& buffer) const noexcept
{
    const auto pieces = buffer.pieces();
    return std::all_of(pieces.begin(), pieces.end(), [this](const iovec& piece) {
        return is_aligned(reinterpret_cast<std::uintptr_t>(piece.iov_base) | piece.iov_len,
                          block_size_);
    });
}

int DiskImage::transfer(Way way, std::uint64_t offset, const Buffer& buffer)
{
    GH_CHECK(offset <= size_ && buffer.size() <= size_ - offset);
    const bool aligned = is_aligned(offset | buffer.size(), block_size_);
    if (direct_ && aligned && !is_direct(buffer))
        return bounce(way, offset, buffer);
    // What is no whole number of blocks goes through the page cache, which Linux keeps coherent.
    const int fd = direct_ && aligned ? direct_.get() : file_.get();
    return way == Way::Read ? read_all(fd, buffer.pieces(), offset)
                            : write_all(fd, buffer.pieces(), offset);
}

int DiskImage::bounce(Way way, std::uint64_t offset, const Buffer& buffer)
{
    const std::scoped_lock lock(bounce_mutex_);
    for (std::uint64_t done = 0; done < buffer.size(); done += kBounce) {
        const auto bytes =
            bounce_.bytes().first(std::min<std::uint64_t>(buffer.size() - done, kBounce));
        const iovec piece{bytes.data(), bytes.size()};
        if (way == Way::Write)
            GH_CHECK(buffer.read(done, bytes));
        const int error = way == Way::Read
                              ? read_all(direct_.get(), std::span(&piece, 1), offset + done)
                              : write_all(direct_.get(), std::span(&piece, 1), offset + done);
        if (error != 0)
            return error;
        if (way == Way::Read)
            GH_CHECK(buffer.write(done, bytes));
    }
    return 0;
}

int DiskImage::read(std::uint64_t offset, const Buffer& buffer)
{
    return transfer(Way::Read, offset, buffer);
}

int DiskImage::write(std::uint64_t offset, const Buffer& buffer)
{
    return transfer(Way::Write, offset, buffer);
}

int DiskImage::flush() noexcept
{
    const std::scoped_lock lock(flush_mutex_);
    if (options_.sync(file_.get()) != 0)
        lost_ = errno;
    return lost_;
}

// A hint: where the host cannot, nothing is lost.
int DiskImage::discard(std::uint64_t offset, std::uint64_t size) noexcept
{
    int error = 0;
    if (is_device_) {
        std::array<std::uint64_t, 2> range{offset, size};
        error = ::ioctl(file_.get(), BLKDISCARD, range.data()) == 0 ? 0 : errno;
    } else {
        error = allocate(file_.get(), FALLOC_FL_PUNCH_HOLE, offset, size);
    }
    return is_unsupported(error) ? 0 : error;
}

int DiskImage::write_zeroes(std::uint64_t offset, std::uint64_t size, bool unmap) noexcept
{
    const int mode = unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE;
    const int error = allocate(file_.get(), mode, offset, size);
    return is_unsupported(error) ? write_out_zeroes(file_.get(), offset, size) : error;
}

}  // namespace gh::virtio
