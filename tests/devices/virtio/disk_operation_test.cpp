// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/disk_operation.h"

#include "../../boot/fake_image.h"
#include "base/error.h"
#include "base/fd.h"
#include "devices/virtio/io_ring.h"

#include <cerrno>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

using Call = DiskOperation::Call;

DiskOperation of(Call call, int fd, std::string& text, std::uint64_t offset = 0)
{
    DiskOperation operation;
    operation.call = call;
    operation.fd = fd;
    operation.offset = offset;
    operation.size = text.size();
    operation.mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
    for (std::size_t at = 0; at < text.size(); at += 100)  // in pieces
        operation.pieces.push_back(
            {text.data() + at, std::min<std::size_t>(text.size() - at, 100)});
    return operation;
}

std::uint64_t bytes_left(const DiskOperation& operation)
{
    std::uint64_t bytes = 0;
    for (const iovec& piece : operation.left())
        bytes += piece.iov_len;
    return bytes;
}

bool has_rings()
{
    try {
        const IoRing ring(1);
        return true;
    } catch (const Error& error) {
        MESSAGE(std::string(error.what()));
        return false;
    }
}

std::string text_of(const TemporaryFile& file, std::size_t size)
{
    std::string text(size, '\1');
    REQUIRE(::pread(file.fd(), text.data(), size, 0) == static_cast<ssize_t>(size));
    return text;
}

}  // namespace

TEST_CASE("what the host does in part is continued where it stopped")
{
    std::string text(250, 'a');
    DiskOperation operation = of(Call::Write, -1, text, 1000);
    for (const auto& [result, left, offset] : {std::tuple{99, 151u, 1099u},
                                               {1, 150u, 1100u},
                                               {-EINTR, 150u, 1100u},
                                               {-EAGAIN, 150u, 1100u},
                                               {101, 49u, 1201u}}) {
        CHECK_FALSE(operation.advance(result));
        CHECK(bytes_left(operation) == left);
        CHECK(operation.offset == offset);
    }
    CHECK(operation.left().front().iov_base == text.data() + 201);
    CHECK(operation.advance(49) == 0);
}

TEST_CASE("an end before the end and whatever the host refuses are errors")
{
    std::string text(250, 'a');
    CHECK(of(Call::Read, -1, text).advance(0) == EIO);
    CHECK(of(Call::Write, -1, text).advance(0) == EIO);
    CHECK(of(Call::Write, -1, text).advance(-ENOSPC) == ENOSPC);
    CHECK(of(Call::Sync, -1, text).advance(-EIO) == EIO);
    CHECK(of(Call::Sync, -1, text).advance(-EINVAL) == EINVAL);
    CHECK(of(Call::Allocate, -1, text).advance(-EIO) == EIO);
    CHECK(of(Call::Read, -1, text).advance(of(Call::Read, -1, text).perform()) == EBADF);
}

TEST_CASE("a host that cannot give room back ignores the hint, or has the zeros written")
{
    std::string text(200'000, 'a');
    DiskOperation hint = of(Call::Discard, -1, text);
    CHECK(hint.advance(-EOPNOTSUPP) == 0);
    DiskOperation zeroes = of(Call::Allocate, -1, text, 512);
    zeroes.otherwise = DiskOperation::Otherwise::WriteZeroes;
    CHECK_FALSE(zeroes.advance(-EOPNOTSUPP));
    CHECK(zeroes.call == Call::Write);
    CHECK(zeroes.offset == 512);
    CHECK(bytes_left(zeroes) == text.size());
    CHECK(zeroes.advance(-ENOSPC) == ENOSPC);
}

TEST_CASE("a ring and a thread come to the same")
{
    if (!has_rings())
        return;
    constexpr std::size_t kSize = 1 << 18;
    const TemporaryFile ours{kSize};
    const TemporaryFile other{kSize};
    IoRing ring(4);
    std::mt19937 dice(1);
    for (int i = 0; i < 2000; ++i) {
        // Now and then beyond the end, or of a file that is none.
        const std::uint64_t offset = dice() % (kSize + 512);
        std::string text(1 + dice() % 5000, static_cast<char>('a' + dice() % 26));
        std::string twin = text;
        const auto call = static_cast<Call>(dice() % 4);
        const bool is_open = dice() % 50 != 0;
        DiskOperation there = of(call, is_open ? ours.fd() : -1, text, offset);
        const DiskOperation here = of(call, is_open ? other.fd() : -1, twin, offset);
        ring.add(there, &there);
        ring.submit();
        std::int64_t result = 1 << 30;
        while (ring.in_flight() != 0) {
            pollfd event{.fd = ring.get(), .events = POLLIN, .revents = 0};
            ring.reap([&](void* tag, std::int64_t value) {
                CHECK(tag == &there);
                result = value;
            });
            if (ring.in_flight() != 0)
                REQUIRE(::poll(&event, 1, 10'000) == 1);
        }
        REQUIRE(result == here.perform());
        REQUIRE(text == twin);
    }
    CHECK(text_of(ours, kSize) == text_of(other, kSize));
}

TEST_CASE("a ring that goes waits for what it has begun, more than it holds at a time")
{
    if (!has_rings())
        return;
    const TemporaryFile file{1 << 20};
    std::vector<std::string> texts(64, std::string(4096, 'b'));
    std::vector<DiskOperation> operations;
    for (auto& text : texts)
        operations.push_back(of(Call::Read, file.fd(), text));
    IoRing ring(64);
    for (auto& operation : operations)
        ring.add(operation, &operation);
    SUBCASE("submitted")
    {
        ring.submit();
    }
    SUBCASE("or not") {}
    ring.drain();
    CHECK(ring.in_flight() == 0);
}

TEST_CASE("a ring takes nothing upon it but what disks need")
{
    io_uring_params wanted{};
    wanted.flags = IORING_SETUP_R_DISABLED;  // and restrictions, since Linux 5.10
    if (!has_rings() || !Fd{static_cast<int>(::syscall(SYS_io_uring_setup, 1, &wanted))})
        return;
    const IoRing ring(4);
    int file = 0;
    CHECK(::syscall(SYS_io_uring_register, ring.get(), IORING_REGISTER_FILES, &file, 1) == -1);
    CHECK(errno == EACCES);
}

TEST_CASE("a ring that was drained is not readable for ever, and can be used again")
{
    if (!has_rings())
        return;
    const TemporaryFile file{1 << 20};
    std::string text(100, 'c');
    DiskOperation operation = of(Call::Read, file.fd(), text);
    IoRing ring(4);
    pollfd state{.fd = ring.get(), .events = POLLIN, .revents = 0};
    for (int round = 0; round < 2; ++round) {
        ring.add(operation, &operation);
        ring.submit();
        REQUIRE(::poll(&state, 1, 10'000) == 1);  // done, and nobody has looked
        ring.drain();
        CHECK(ring.in_flight() == 0);
        CHECK(::poll(&state, 1, 0) == 0);
    }
}

}  // namespace gh::virtio
