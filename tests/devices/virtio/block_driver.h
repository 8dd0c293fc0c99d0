// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../boot/fake_image.h"
#include "devices/virtio/block.h"
#include "devices/virtio/mmio_transport.h"
#include "driver.h"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>

#include <doctest/doctest.h>

/// A disk and its driver.
namespace gh::virtio {

inline constexpr std::uint64_t kHeader = Ram::kBase + 0x2'0000;
inline constexpr std::uint64_t kStatus = kHeader + 64;
inline constexpr std::uint64_t kData = Ram::kBase + 0x4'0000;
inline constexpr std::uint64_t kSectors = 2048;  // a megabyte

inline constexpr std::uint32_t kOk = 0;
inline constexpr std::uint32_t kIoError = 1;
inline constexpr std::uint32_t kUnsupported = 2;

/// What works on the requests: all tests are made with both. Auto is the ring where there is one.
struct Uring {
    static constexpr Block::Io kIo = Block::Io::Auto;
};
struct Threads {
    static constexpr Block::Io kIo = Block::Io::Threads;
};

struct Image : DiskImage::Options {
    Image(const TemporaryFile& file, Block::Io works) : io(works) { path = file.path(); }
    Block::Io io;
};

/// A disk behind its transport, and a driver with one request in flight at a time.
struct Disk {
    static constexpr std::uint16_t kQueue = 256;

    explicit Disk(const Image& image, unsigned queues = 1, std::uint64_t refused_features = 0)
        : block({.name = "disk0",
                 .serial = "0123456789abcdefghij",
                 .queues = queues,
                 .io = image.io,
                 .image = image})
    {
        transport.emplace(block, ram.memory(), MmioTransport::Options{});
        features = block.features() & ~refused_features;
        bring_up(queues);
    }
    void bring_up(unsigned queues = 1)
    {
        out(0x70, 3);
        out(0x24, 0);
        out(0x20, features);
        out(0x24, 1);
        out(0x20, 1);
        out(0x70, 11);
        for (unsigned queue = 0; queue < queues; ++queue)
            set_up(queue);
        out(0x70, 15);
        REQUIRE(in(0x70) == 15);
    }
    void set_up(unsigned queue)
    {
        const Ring& ring = rings[queue];
        out(0x30, queue);
        out(0x38, queue_size);
        out(0x80, ring.descriptors());
        out(0x90, ring.available());
        out(0xa0, ring.used());
        out(0x44, 1);
        REQUIRE(in(0x44) == 1);
    }
    std::uint32_t in(std::uint64_t offset)
    {
        return static_cast<std::uint32_t>(transport->read({.offset = offset, .size = 4}));
    }
    void out(std::uint64_t offset, std::uint64_t value)
    {
        transport->write({.offset = offset, .size = 4}, value & 0xffff'ffff);
    }
    void put_header(std::uint32_t type, std::uint64_t sector) const
    {
        ram.put(kHeader, type);
        ram.put<std::uint32_t>(kHeader + 4, 0);
        ram.put(kHeader + 8, sector);
        ram.put<std::uint8_t>(kStatus, 0xff);
    }
    /// Waits until what begins at descriptor 0 is answered; its status.
    std::uint32_t go(unsigned queue = 0)
    {
        Ring& ring = rings[queue];
        const auto next = static_cast<std::uint16_t>(ring.used_index() + 1);
        ring.offer(0);
        out(0x50, queue);
        while (ring.used_index() != next)
            std::this_thread::yield();
        length = ring.used_length((next - 1u) % kQueue);
        return ram.get<std::uint8_t>(kStatus);
    }
    std::uint32_t request(std::uint32_t type, std::uint64_t sector, std::uint32_t size,
                          unsigned queue = 0, std::uint64_t data = kData)
    {
        put_header(type, sector);
        const bool reads = type == 0 || type == 8;
        const Ring& ring = rings[queue];
        ring.describe(0, kHeader, 16, kNext, size == 0 ? 2 : 1);
        ring.describe(1, data, size, static_cast<std::uint16_t>(reads ? kNext | kWrite : kNext), 2);
        ring.describe(2, kStatus, 1, kWrite);
        return go(queue);
    }
    std::uint32_t read(std::uint64_t sector, std::uint32_t size, unsigned queue = 0)
    {
        return request(0, sector, size, queue);
    }
    std::uint32_t write(std::uint64_t sector, const std::string& text)
    {
        ram.put_text(kData, text);
        return request(1, sector, static_cast<std::uint32_t>(text.size()));
    }
    std::uint32_t forget(std::uint32_t type, std::uint64_t sector, std::uint32_t sectors,
                         std::uint32_t flags)
    {
        ram.put(kData, sector);
        ram.put(kData + 8, sectors);
        ram.put(kData + 12, flags);
        return request(type, 0, 16);
    }

    Ram ram;
    Ring rings[2] = {{ram, kQueue}, {ram, kQueue, Ram::kBase + 0x1'0000}};
    Block block;
    std::optional<MmioTransport> transport;
    std::uint64_t features = 0;
    std::uint16_t queue_size = kQueue;
    std::uint32_t length = 0;
};

}  // namespace gh::virtio
