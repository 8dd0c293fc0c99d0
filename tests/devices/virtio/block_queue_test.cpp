// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/block_queue.h"

#include "block_driver.h"
#include "devices/virtio/layout.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace gh::virtio {
namespace {

/// A driver that has many requests in flight, each of 8 KiB and with a place of its own.
struct BusyDisk : Disk {
    static constexpr unsigned kSlots = 60;
    static constexpr std::uint32_t kSize = 0x2000;

    using Disk::Disk;

    static std::uint64_t header(unsigned slot) { return kHeader + 0x100 * std::uint64_t{slot}; }
    static std::uint64_t data(unsigned slot) { return kData + kSize * std::uint64_t{slot}; }

    /// Makes it available without a kick.
    void offer(unsigned slot, std::uint32_t type, std::uint64_t sector)
    {
        const unsigned first = 3 * slot;
        const auto next = static_cast<std::uint16_t>(first + 1);
        const auto last = static_cast<std::uint16_t>(first + 2);
        const bool reads = type == 0;
        ram.put(header(slot), type);
        ram.put(header(slot) + 8, sector);
        ram.put<std::uint8_t>(header(slot) + 64, 0xff);
        rings[0].describe(first, header(slot), 16, kNext, type == 4 ? last : next);
        rings[0].describe(next, data(slot), kSize, reads ? kNext | kWrite : kNext, last);
        rings[0].describe(last, header(slot) + 64, 1, kWrite);
        rings[0].offer(static_cast<std::uint16_t>(first));
        ++offered;
    }
    void kick() { out(0x50, 0); }
    void wait()
    {
        while (rings[0].used_index() != offered)
            std::this_thread::yield();
    }
    std::uint8_t status(unsigned slot) { return ram.get<std::uint8_t>(header(slot) + 64); }

    std::uint16_t offered = 0;
};

bool has_direct(const TemporaryFile& file)
{
    const Fd fd{::open(file.path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC)};
    alignas(4096) static char page[4096];
    return fd && ::pread(fd.get(), page, sizeof page, 0) == sizeof page;
}

}  // namespace

TEST_CASE_TEMPLATE("of many requests at once each is answered once, as if it were alone", Io, Uring,
                   Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    SUBCASE("through the page cache") {}
    SUBCASE("past it")
    {
        image.direct = has_direct(file);
    }
    BusyDisk disk(image);
    std::mt19937 dice(1);
    std::vector<char> model(kSectors / 16, '\0');
    for (int round = 0; round < 50; ++round) {
        std::vector<unsigned> places(model.size());
        for (unsigned i = 0; i < places.size(); ++i)
            places[i] = i;
        std::shuffle(places.begin(), places.end(), dice);
        std::vector<std::uint32_t> types;
        for (unsigned slot = 0; slot < BusyDisk::kSlots; ++slot) {
            types.push_back(dice() % 8 == 0 ? 4u : dice() % 2u);
            const auto letter = static_cast<char>('a' + dice() % 26);
            disk.ram.put_text(BusyDisk::data(slot), std::string(BusyDisk::kSize, letter));
            if (types[slot] == 1)
                model[places[slot]] = letter;
            disk.offer(slot, types[slot], places[slot] * 16u);
            if (dice() % 16 == 0)
                disk.kick();
        }
        disk.kick();
        disk.wait();
        std::set<std::uint32_t> answered;
        for (unsigned i = 1; i <= BusyDisk::kSlots; ++i)
            answered.insert(disk.rings[0].used_id((disk.offered - i) % Disk::kQueue));
        REQUIRE(answered.size() == BusyDisk::kSlots);
        for (unsigned slot = 0; slot < BusyDisk::kSlots; ++slot) {
            REQUIRE(disk.status(slot) == kOk);
            if (types[slot] == 0)
                REQUIRE(disk.ram.text(BusyDisk::data(slot), BusyDisk::kSize) ==
                        std::string(BusyDisk::kSize, model[places[slot]]));
        }
    }
    for (unsigned place = 0; place < model.size(); ++place) {
        std::string text(BusyDisk::kSize, '\1');
        REQUIRE(::pread(file.fd(), text.data(), text.size(), place * BusyDisk::kSize) ==
                BusyDisk::kSize);
        REQUIRE(text == std::string(BusyDisk::kSize, model[place]));
    }
}

TEST_CASE_TEMPLATE("after a reset nothing of what was in flight reaches the guest's memory", Io,
                   Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    image.direct = has_direct(file);
    BusyDisk disk(image);
    const std::string ours(BusyDisk::kSlots * BusyDisk::kSize, '!');
    for (int round = 0; round < 20; ++round) {
        for (unsigned slot = 0; slot < BusyDisk::kSlots; ++slot)
            disk.offer(slot, slot % 8 == 7 ? 4 : slot % 2, slot * 16u);
        disk.kick();
        if (round % 2 == 0)
            while (disk.rings[0].used_index() == 0)
                std::this_thread::yield();
        disk.out(0x70, 0);
        disk.ram.put_text(kData, ours);
        disk.rings[0].forget_all();
        disk.offered = 0;
        disk.bring_up();
        REQUIRE(disk.request(4, 0, 0) == kOk);
        disk.offered = 1;
        REQUIRE(disk.ram.text(kData, ours.size()) == ours);
        disk.out(0x70, 0);
        disk.rings[0].forget_all();
        disk.offered = 0;
        disk.bring_up();
    }
}

TEST_CASE_TEMPLATE("a driver that offers one descriptor again and again is served and harms nobody",
                   Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    BusyDisk disk(Image(file, Io::kIo));
    disk.offer(0, 0, 0);
    for (unsigned i = 1; i < Disk::kQueue; ++i)
        disk.rings[0].offer(0);
    disk.offered = Disk::kQueue;
    disk.kick();
    disk.wait();
    CHECK(disk.status(0) == kOk);
    CHECK(disk.rings[0].used_id(Disk::kQueue - 1) == 0);
}

TEST_CASE_TEMPLATE("of flushes at once all fail with the first that does", Io, Uring, Threads)
{
    const TemporaryFile file{kSectors * 512};
    Image image(file, Io::kIo);
    static std::atomic<int> syncs;
    syncs = 0;
    image.synced = [](int) { return ++syncs == 1 ? EIO : 0; };  // as Linux does: told once
    BusyDisk disk(image);
    for (unsigned slot = 0; slot < BusyDisk::kSlots; ++slot)
        disk.offer(slot, 4, 0);
    disk.kick();
    disk.wait();
    for (unsigned slot = 0; slot < BusyDisk::kSlots; ++slot)
        CHECK(disk.status(slot) == kIoError);
}

TEST_CASE_TEMPLATE("a driver that kicks only where it is asked to is never left waiting", Io, Uring,
                   Threads)
{
    constexpr std::uint16_t kTwo = 2;
    const TemporaryFile file{kSectors * 512};
    const Fd memory = make_memfd("disk", kSectors * 512);  // whose flush is quick
    Image image(file, Io::kIo);
    image.path = "/proc/self/fd/" + std::to_string(memory.get());
    Disk disk(image);
    disk.out(0x70, 0);
    disk.features |= feature_flag(kFeatureIndirectDesc);
    disk.queue_size = kTwo;
    disk.rings[0].forget_all();
    disk.bring_up();
    Ring ring(disk.ram, kTwo);
    const std::uint64_t table = kData + 0x1'0000;
    const auto describe = [&](std::uint16_t slot, bool flushes) {
        const std::uint64_t at = table + 0x1000u * slot;
        disk.ram.put<std::uint32_t>(at + 0x800, flushes ? 4 : 1);
        disk.ram.put<std::uint64_t>(at + 0x808, slot);
        ring.describe_in(at, 0, at + 0x800, 16, kNext, 1);
        ring.describe_in(at, 1, kData, 512, kNext, 2);
        ring.describe_in(at, 2, at + 0x900, 1, kWrite);
        ring.describe(slot, at, 48, kIndirect);
    };
    std::mt19937 dice(1);
    const auto offer = [&](std::uint16_t slot) {
        describe(slot, slot == 0);
        for (auto wait = dice() % 2000; wait != 0; --wait)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        ring.offer(slot);
        std::atomic_thread_fence(std::memory_order_seq_cst);
        if ((ring.used_flags() & 1) == 0)
            disk.out(0x50, 0);
    };
    offer(0);
    offer(1);
    std::uint16_t seen = 0;
    for (int round = 0; round < 10'000; ++round) {
        const auto begun = std::chrono::steady_clock::now();
        while (ring.used_index() == seen) {
            std::this_thread::yield();
            REQUIRE(std::chrono::steady_clock::now() - begun < std::chrono::seconds(20));
        }
        offer(static_cast<std::uint16_t>(ring.used_id(seen % kTwo)));
        ++seen;
    }
}

}  // namespace gh::virtio
