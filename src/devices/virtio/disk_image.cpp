// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/disk_image.h"

#include "base/bits.h"
#include "base/error.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

constexpr std::size_t kBounce = 1 << 20;
constexpr std::uint32_t kPage = 4096;

/// Does all of it here and now.
int finish(DiskOperation& operation)
{
    std::optional<int> error;
    while (!error)
        error = operation.advance(operation.perform());
    return *error;
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

bool DiskImage::is_aligned_to_blocks(std::uint64_t offset, const Buffer& buffer) const noexcept
{
    return is_aligned(offset | buffer.size(), block_size_);
}

bool DiskImage::must_bounce(std::uint64_t offset, const Buffer& buffer) const noexcept
{
    const auto pieces = buffer.pieces();
    return direct_ && is_aligned_to_blocks(offset, buffer) &&
           !std::all_of(pieces.begin(), pieces.end(), [this](const iovec& piece) {
               return is_aligned(reinterpret_cast<std::uintptr_t>(piece.iov_base) | piece.iov_len,
                                 block_size_);
           });
}

void DiskImage::transfer(Way way, std::uint64_t offset, const Buffer& buffer,
                         DiskOperation& to) const
{
    GH_CHECK(offset <= size_ && buffer.size() <= size_ - offset);
    to.call = way == Way::Read ? DiskOperation::Call::Read : DiskOperation::Call::Write;
    // What is no whole number of blocks goes through the page cache, which Linux keeps coherent.
    const bool direct = direct_ && is_aligned_to_blocks(offset, buffer);
    to.fd = direct ? direct_.get() : file_.get();
    // Whole pages are written to the cache without a look at the medium. ext4, for one, would have
    // the ring do that in another thread, which takes three times as long.
    const bool whole_pages = is_aligned(offset | buffer.size(), kPage);
    to.by = direct             ? DiskOperation::By::Ring
            : way == Way::Read ? DiskOperation::By::ThreadIfItMay
            : whole_pages      ? DiskOperation::By::Thread
                               : DiskOperation::By::Ring;
    to.offset = offset;
    to.pieces.assign(buffer.pieces().begin(), buffer.pieces().end());
    to.first = 0;
}

int DiskImage::bounce(Way way, std::uint64_t offset, const Buffer& buffer)
{
    const std::scoped_lock lock(bounce_mutex_);
    DiskOperation part;
    for (std::uint64_t done = 0; done < buffer.size(); done += kBounce) {
        const auto bytes =
            bounce_.bytes().first(std::min<std::uint64_t>(buffer.size() - done, kBounce));
        if (way == Way::Write)
            GH_CHECK(buffer.read(done, bytes));
        Buffer piece;
        piece.append(bytes);
        transfer(way, offset + done, piece, part);
        if (const int error = finish(part))
            return error;
        if (way == Way::Read)
            GH_CHECK(buffer.write(done, bytes));
    }
    return 0;
}

Fd DiskImage::open_to_sync() const
{
    return open_file("/proc/self/fd/" + std::to_string(file_.get()),
                     options_.readonly ? O_RDONLY : O_RDWR);
}

int DiskImage::synced(int error) noexcept
{
    if (options_.synced != nullptr)
        error = options_.synced(error);
    if (error != 0)
        lost_ = error;
    return lost_;
}

void DiskImage::discard(std::uint64_t offset, std::uint64_t size, DiskOperation& to) const
{
    to.call = is_device_ ? DiskOperation::Call::Discard : DiskOperation::Call::Allocate;
    to.fd = file_.get();
    to.offset = offset;
    to.size = size;
    to.mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    to.otherwise = DiskOperation::Otherwise::Nothing;
    to.by = is_device_ ? DiskOperation::By::Thread : DiskOperation::By::Ring;
}

void DiskImage::write_zeroes(std::uint64_t offset, std::uint64_t size, bool unmap,
                             DiskOperation& to) const
{
    to.call = DiskOperation::Call::Allocate;
    to.fd = file_.get();
    to.offset = offset;
    to.size = size;
    to.mode = (unmap ? FALLOC_FL_PUNCH_HOLE : FALLOC_FL_ZERO_RANGE) | FALLOC_FL_KEEP_SIZE;
    to.otherwise = DiskOperation::Otherwise::WriteZeroes;
    to.by = DiskOperation::By::Ring;
}

}  // namespace gh::virtio
