// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/block.h"

#include "base/error.h"
#include "block_driver.h"
#include "devices/virtio/mmio_transport.h"

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <optional>
#include <thread>

#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kReadonly = 1u << 5;
constexpr std::uint64_t kFlush = 1u << 9;

std::string sector_of(char letter, std::size_t sectors = 1)
{
    return std::string(512 * sectors, letter);
}

std::string file_text(const TemporaryFile& file, std::size_t size, std::uint64_t offset)
{
    std::string text(size, '\0');
    REQUIRE(::pread(file.fd(), text.data(), size, static_cast<off_t>(offset)) ==
            static_cast<ssize_t>(size));
    return text;
}

std::uint64_t blocks_of(const TemporaryFile& file)
{
    struct stat status {};
    REQUIRE(::fstat(file.fd(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_blocks);
}

/// No file of this process may grow beyond, or be written beyond, that many bytes while it lives.
class FileLimit {
public:
    explicit FileLimit(std::uint64_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN))
    {
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit limit{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    }
    ~FileLimit()
    {
        (void)::setrlimit(RLIMIT_FSIZE, &before_);
        (void)std::signal(SIGXFSZ, handler_);
    }
    FileLimit(const FileLimit&) = delete;
    FileLimit& operator=(const FileLimit&) = delete;

private:
    rlimit before_{};
    void (*handler_)(int);
};

}  // namespace

TEST_CASE_TEMPLATE("the configuration tells capacity, block sizes and limits", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image, 2);
    CHECK(disk.in(0x100) == kSectors);
    CHECK(disk.in(0x104) == 0);
    CHECK(disk.in(0x10c) == 254);      // seg_max
    CHECK(disk.in(0x114) == 512);      // blk_size
    CHECK(disk.in(0x118) == 0x80003);  // 8 blocks make a physical one, and are the least to write
    CHECK(disk.transport->read({.offset = 0x122, .size = 2}) == 2);  // queues
    CHECK(disk.in(0x124) != 0);                                      // max_discard_sectors
    CHECK(disk.in(0x1f0) == 0);
    CHECK((disk.features & kReadonly) == 0);
    CHECK((disk.features & kFlush) != 0);
}

TEST_CASE_TEMPLATE("what is written is in the file and is read back", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    CHECK(disk.write(3, sector_of('a', 2)) == kOk);
    CHECK(disk.length == 1);
    CHECK(file_text(file, 1024, 3 * 512) == sector_of('a', 2));
    CHECK(file_text(file, 512, 5 * 512) == sector_of('\0'));
    disk.ram.put_text(kData, sector_of('x', 2));
    CHECK(disk.read(3, 1024) == kOk);
    CHECK(disk.length == 1025);
    CHECK(disk.ram.text(kData, 1024) == sector_of('a', 2));
}

TEST_CASE_TEMPLATE("header, data and status may be cut into descriptors at any place", Io, Uring,
                   Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    const std::string text = sector_of('b');
    disk.put_header(1, 7);
    disk.ram.put_text(kHeader + 16, text.substr(0, 100));
    disk.ram.put_text(kData, text.substr(100));
    const Ring& ring = disk.rings[0];
    ring.describe(0, kHeader, 3, kNext, 1);
    ring.describe(1, kHeader + 3, 113, kNext, 2);
    ring.describe(2, kData, 412, kNext, 3);
    disk.ram.put<std::uint8_t>(kData + 0x1000, 0xff);
    ring.describe(3, kData + 0x1000, 1, kWrite);
    (void)disk.go();
    CHECK(disk.ram.get<std::uint8_t>(kData + 0x1000) == kOk);
    CHECK(file_text(file, 512, 7 * 512) == text);
    // Data and status in one descriptor.
    disk.put_header(0, 7);
    ring.describe(0, kHeader, 16, kNext, 1);
    ring.describe(1, kData, 513, kWrite);
    (void)disk.go();
    CHECK(disk.ram.text(kData, 512) == text);
    CHECK(disk.ram.get<std::uint8_t>(kData + 512) == kOk);
}

TEST_CASE_TEMPLATE("requests beyond the disk, of half a sector or without header fail", Io, Uring,
                   Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    CHECK(disk.read(kSectors - 1, 512) == kOk);
    CHECK(disk.read(kSectors - 1, 1024) == kIoError);
    CHECK(disk.read(kSectors, 512) == kIoError);
    CHECK(disk.read(~std::uint64_t{0}, 512) == kIoError);
    CHECK(disk.read(0, 100) == kIoError);
    CHECK(disk.request(1, ~std::uint64_t{0} / 512, 512) == kIoError);
    disk.put_header(0, 0);
    disk.rings[0].describe(0, kHeader, 15, kNext, 2);
    CHECK(disk.go() == kIoError);
    CHECK(disk.write(0, sector_of('c')) == kOk);  // and the disk works on
}

TEST_CASE_TEMPLATE("a request without room for a status is given back and nothing else", Io, Uring,
                   Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    disk.put_header(1, 0);
    disk.ram.put_text(kData, sector_of('d'));
    disk.rings[0].describe(0, kHeader, 16, kNext, 1);
    disk.rings[0].describe(1, kData, 512);
    (void)disk.go();
    CHECK(disk.length == 0);
    CHECK(file_text(file, 512, 0) == sector_of('\0'));
}

TEST_CASE_TEMPLATE("unknown requests are unsupported", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    for (const std::uint32_t type : {2u, 3u, 14u, 0x8000'0000u})
        CHECK(disk.request(type, 0, 512) == kUnsupported);
}

TEST_CASE_TEMPLATE("the serial number has twenty bytes", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    CHECK(disk.request(8, 0, 20) == kOk);
    CHECK(disk.ram.text(kData, 20) == "0123456789abcdefghij");
}

TEST_CASE_TEMPLATE("a read-only disk says so and lets nothing be written", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    image.readonly = true;
    Disk disk(image);
    CHECK((disk.features & kReadonly) != 0);
    CHECK(disk.read(0, 512) == kOk);
    CHECK(disk.write(0, sector_of('e')) == kIoError);
    CHECK(disk.forget(11, 0, 8, 0) == kIoError);
    CHECK(disk.forget(13, 0, 8, 0) == kIoError);
    CHECK(disk.request(4, 0, 0) == kOk);
}

TEST_CASE_TEMPLATE("discarding and zeroing give room back and leave the neighbours alone", Io,
                   Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    REQUIRE(disk.write(0, sector_of('f', 64)) == kOk);
    const std::uint64_t before = blocks_of(file);
    SUBCASE("discard")
    {
        CHECK(disk.forget(11, 8, 16, 0) == kOk);
        CHECK(blocks_of(file) < before);
    }
    SUBCASE("write zeroes, unmap")
    {
        CHECK(disk.forget(13, 8, 16, 1) == kOk);
        CHECK(file_text(file, 16 * 512, 8 * 512) == sector_of('\0', 16));
        CHECK(blocks_of(file) < before);
    }
    SUBCASE("write zeroes")
    {
        CHECK(disk.forget(13, 8, 16, 0) == kOk);
        CHECK(file_text(file, 16 * 512, 8 * 512) == sector_of('\0', 16));
    }
    CHECK(file_text(file, 8 * 512, 0) == sector_of('f', 8));
    CHECK(file_text(file, 40 * 512, 24 * 512) == sector_of('f', 40));
}

TEST_CASE_TEMPLATE("segments to discard or to zero are checked", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    REQUIRE(disk.write(0, sector_of('g')) == kOk);
    CHECK(disk.forget(11, 0, 8, 1) == kUnsupported);  // unmap is for zeroing
    CHECK(disk.forget(13, 0, 8, 2) == kUnsupported);
    CHECK(disk.forget(13, kSectors, 1, 0) == kIoError);
    CHECK(disk.forget(13, kSectors - 1, 2, 0) == kIoError);
    CHECK(disk.forget(13, ~std::uint64_t{0}, 2, 0) == kIoError);
    CHECK(disk.forget(13, 0, 0xffff'ffff, 0) == kIoError);
    CHECK(disk.forget(13, 0, 0, 0) == kOk);
    CHECK(disk.request(13, 0, 15) == kIoError);
    CHECK(disk.request(13, 0, 0) == kIoError);
    CHECK(disk.request(11, 0, 17 * 16) == kIoError);  // one segment too many
    CHECK(file_text(file, 512, 0) == sector_of('g'));
}

TEST_CASE_TEMPLATE("several queues work side by side", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image, 2);
    REQUIRE(disk.write(0, sector_of('h')) == kOk);
    CHECK(disk.read(0, 512, 1) == kOk);
    CHECK(disk.ram.text(kData, 512) == sector_of('h'));
}

TEST_CASE_TEMPLATE("past the page cache any buffer will do", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    image.direct = true;
    std::optional<Disk> disk;
    try {
        disk.emplace(image);
    } catch (const Error& error) {
        MESSAGE("the file system of /tmp has no O_DIRECT: ", error.what());
        return;
    }
    CHECK(disk->in(0x114) >= 512);
    CHECK(disk->write(8, sector_of('i', 8)) == kOk);
    CHECK(file_text(file, 4096, 4096) == sector_of('i', 8));
    CHECK(disk->request(0, 8, 4096, 0, kData + 13) == kOk);
    CHECK(disk->ram.text(kData + 13, 4096) == sector_of('i', 8));
    disk->ram.put_text(kData + 6, sector_of('j', 8));
    CHECK(disk->request(1, 16, 4096, 0, kData + 6) == kOk);
    CHECK(file_text(file, 4096, 8192) == sector_of('j', 8));
    CHECK(disk->write(17, sector_of('k')) == kOk);  // a part of a block of 4096, if they are such
    CHECK(file_text(file, 512, 17 * 512) == sector_of('k'));
    CHECK(file_text(file, 512, 18 * 512) == sector_of('j'));
    CHECK(disk->request(4, 0, 0) == kOk);
}

TEST_CASE_TEMPLATE("a write that the host does not take is the guest's I/O error, and no more", Io,
                   Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    {
        // The host writes two sectors and a half, then none.
        const FileLimit limit(2 * 512 + 256);
        CHECK(disk.write(0, sector_of('l', 4)) == kIoError);
        CHECK(disk.length == 1);
        CHECK(disk.write(100, sector_of('m')) == kIoError);
        CHECK(disk.read(0, 512) == kOk);
    }
    CHECK(file_text(file, 1280, 0) == std::string(1280, 'l'));
    CHECK(disk.write(0, sector_of('n', 4)) == kOk);
    CHECK(file_text(file, 2048, 0) == sector_of('n', 4));
}

TEST_CASE_TEMPLATE("an image that is cut while the guest runs fails what it lacks", Io, Uring,
                   Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    Disk disk(image);
    REQUIRE(::ftruncate(file.fd(), 1024 + 100) == 0);
    CHECK(disk.read(0, 1024) == kOk);
    CHECK(disk.read(1, 1024) == kIoError);
    CHECK(disk.length == 0);
    CHECK(disk.read(8, 512) == kIoError);
}

TEST_CASE_TEMPLATE("a flush is the host's, and once one has failed none is good again", Io, Uring,
                   Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    static int syncs = 0;
    static bool fails = false;
    syncs = 0;
    fails = false;
    image.synced = [](int error) {
        ++syncs;
        return fails ? EIO : error;
    };
    SUBCASE("where the driver flushes")
    {
        Disk disk(image);
        CHECK(disk.write(0, sector_of('p')) == kOk);
        CHECK(syncs == 0);
        CHECK(disk.request(4, 0, 0) == kOk);
        CHECK(syncs == 1);
        fails = true;
        CHECK(disk.request(4, 0, 0) == kIoError);
        fails = false;
        CHECK(disk.request(4, 0, 0) == kIoError);
        CHECK(disk.read(0, 512) == kOk);
    }
    SUBCASE("where it cannot, with each write")
    {
        Disk disk(image, 1, kFlush);
        CHECK(disk.write(0, sector_of('q')) == kOk);
        CHECK(syncs == 1);
        CHECK(disk.forget(13, 0, 8, 0) == kOk);
        CHECK(syncs == 2);
        CHECK(disk.read(0, 512) == kOk);
        CHECK(syncs == 2);
        fails = true;
        CHECK(disk.write(0, sector_of('r')) == kIoError);
    }
}

TEST_CASE_TEMPLATE("an image has one writer or many readers, unless told otherwise", Io, Uring,
                   Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    const auto opens = [&](bool readonly, bool lock) {
        try {
            const DiskImage other({.path = file.path(), .readonly = readonly, .lock = lock});
            return true;
        } catch (const Error& error) {
            CHECK(std::string(error.what()).find(file.path()) != std::string::npos);
            CHECK(std::string(error.what()).find("\"lock\": false") != std::string::npos);
            return false;
        }
    };
    {
        const DiskImage writer(image);
        CHECK_FALSE(opens(false, true));
        CHECK_FALSE(opens(true, true));
        CHECK(opens(false, false));
    }
    image.readonly = true;
    const DiskImage reader(image);
    CHECK(opens(true, true));
    CHECK_FALSE(opens(false, true));
}

TEST_CASE("what cannot be a disk is refused by name")
{
    const auto refusal = [](const std::string& path) -> std::string {
        try {
            const DiskImage image({.path = path, .readonly = true});
            return {};
        } catch (const Error& error) {
            return error.what();
        }
    };
    CHECK(refusal("/dev/null").find("/dev/null: a disk must be a regular file") == 0);
    CHECK(refusal("/nonexistent").find("/nonexistent") != std::string::npos);
    CHECK(refusal("/tmp").find("/tmp: a disk must be") == 0);
    const TemporaryFile small(std::uint64_t{511});
    CHECK(refusal(small.path()).find("a sector of 512 bytes at least") != std::string::npos);
}

}  // namespace gh::virtio
