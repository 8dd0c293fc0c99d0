// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/mmio_transport.h"

#include "base/error.h"
#include "devices/virtio/worker.h"
#include "driver.h"

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <doctest/doctest.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kData = Ram::kBase + 0x4'0000;

/// Answers what it reads in upper case, in a thread of its own for each queue.
class Shouter final : public VirtioDevice {
public:
    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Console; }
    [[nodiscard]] const char* name() const noexcept override { return "shouter"; }
    [[nodiscard]] std::uint64_t features() const noexcept override { return 5; }
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override { return {16, 8}; }
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override
    {
        for (std::byte& byte : to)
            byte = offset < config.size() ? config[offset++] : std::byte{0};
    }
    void write_config(std::uint64_t offset, std::span<const std::byte> from) noexcept override
    {
        for (const std::byte byte : from)
            if (offset < config.size())
                config[offset++] = byte;
    }
    void start(std::uint64_t agreed, std::vector<ActiveQueue> active, Notifier& to) override
    {
        ++starts;
        features_agreed = agreed;
        notifier = &to;
        if (refuses)
            throw Error("no");
        queues = std::move(active);
        for (ActiveQueue& queue : queues)
            workers.push_back(std::make_unique<Worker>("shouter", to, [&](Poller& poller) {
                poller.add(queue.kick->get(), 1, [this, &queue, &to](std::uint32_t) {
                    Chain chain;
                    (void)serve(queue, chain, to, [this](Chain& one) { return shout(one); });
                });
            }));
    }
    void stop() noexcept override
    {
        workers.clear();
        queues.clear();
    }
    std::uint32_t shout(Chain& chain)
    {
        std::string text(chain.readable.size(), '\0');
        REQUIRE(chain.readable.read(0, std::as_writable_bytes(std::span(text))));
        for (char& c : text)
            c = static_cast<char>(c & ~0x20);
        ++shouted;
        return chain.writable.write(0, std::as_bytes(std::span(text)))
                   ? static_cast<std::uint32_t>(text.size())
                   : 0;
    }

    std::array<std::byte, 8> config{};
    std::uint64_t features_agreed = 0;
    int starts = 0;
    bool refuses = false;
    std::atomic<int> shouted{0};
    Notifier* notifier = nullptr;
    std::vector<ActiveQueue> queues;
    std::vector<std::unique_ptr<Worker>> workers;
};

/// Does what Linux's virtio_mmio.c does, in its order.
struct Fixture {
    explicit Fixture(bool access_platform = false)
        : transport(shouter, ram.memory(), {.access_platform = access_platform})
    {
    }
    std::uint32_t in(std::uint64_t offset)
    {
        return static_cast<std::uint32_t>(transport.read({.offset = offset, .size = 4}));
    }
    void out(std::uint64_t offset, std::uint64_t value)
    {
        transport.write({.offset = offset, .size = 4}, value & 0xffff'ffff);
    }
    void add_status(std::uint32_t bits) { out(0x70, in(0x70) | bits); }
    std::uint64_t device_features()
    {
        out(0x14, 1);
        const std::uint64_t high = in(0x10);
        out(0x14, 0);
        return high << 32 | in(0x10);
    }
    void driver_features(std::uint64_t features)
    {
        out(0x24, 1);
        out(0x20, features >> 32);
        out(0x24, 0);
        out(0x20, features);
    }
    /// Up to FEATURES_OK; what Linux then reads back.
    bool negotiate(std::uint64_t features)
    {
        out(0x70, 0);
        add_status(1);
        add_status(2);
        driver_features(features);
        add_status(8);
        return (in(0x70) & 8) != 0;
    }
    void set_up(unsigned index, const Ring& of, std::uint16_t size)
    {
        out(0x30, index);
        CHECK(in(0x44) == 0);
        out(0x38, size);
        out(0x80, of.descriptors());
        out(0x84, of.descriptors() >> 32);
        out(0x90, of.available());
        out(0x94, of.available() >> 32);
        out(0xa0, of.used());
        out(0xa4, of.used() >> 32);
        out(0x44, 1);
    }
    void start()
    {
        REQUIRE(negotiate(device_features() & ~(1ull << 29)));
        set_up(0, ring, 8);
        REQUIRE(in(0x44) == 1);
        add_status(4);
    }
    void wait_for_used(std::uint16_t index) const
    {
        while (ring.used_index() != index)
            std::this_thread::yield();
    }
    void offer_text(const std::string& text)
    {
        ram.put_text(kData, text);
        ring.describe(0, kData, static_cast<std::uint32_t>(text.size()), kNext, 1);
        ring.describe(1, kData + 100, 100, kWrite);
        ring.offer(0);
    }

    Ram ram;
    Ring ring{ram, 8};
    Shouter shouter;
    MmioTransport transport;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "Linux's probe finds a device of version 2")
{
    CHECK(in(0x00) == 0x74726976);
    CHECK(in(0x04) == 2);
    CHECK(in(0x08) == 3);
    CHECK(in(0x0c) != 0);
    CHECK(in(0xb0) == 0xffff'ffff);  // no shared memory
    CHECK(in(0xb4) == 0xffff'ffff);
}

TEST_CASE_FIXTURE(Fixture, "a driver that follows Linux's order has its chains served")
{
    start();
    CHECK(in(0x70) == 15);
    CHECK(shouter.features_agreed == (1ull << 32 | 1u << 28 | 5));
    offer_text("hello");
    out(0x50, 0);
    wait_for_used(1);
    CHECK(ram.text(kData + 100, 5) == "HELLO");
    CHECK(ring.used_length(0) == 5);
    while (in(0x60) == 0)
        std::this_thread::yield();
    CHECK(in(0x60) == 1);
    out(0x64, 1);
    CHECK(in(0x60) == 0);
    CHECK(transport.irq().event().drain() >= 1);
}

TEST_CASE_FIXTURE(Fixture, "an ioeventfd's signal is a kick")
{
    start();
    offer_text("hello");
    transport.kicks()[0].signal();
    wait_for_used(1);
    CHECK(ram.text(kData + 100, 5) == "HELLO");
}

TEST_CASE_FIXTURE(Fixture, "what was available before DRIVER_OK is served without a kick")
{
    offer_text("early");
    start();
    wait_for_used(1);
    CHECK(ram.text(kData + 100, 5) == "EARLY");
}

TEST_CASE_FIXTURE(Fixture, "features are refused that were not offered, and without VERSION_1")
{
    const std::uint64_t offered = device_features();
    CHECK(offered == (1ull << 32 | 1u << 29 | 1u << 28 | 5));
    CHECK(negotiate(offered));
    CHECK(negotiate(1ull << 32));
    CHECK_FALSE(negotiate(offered & ~(1ull << 32)));
    CHECK_FALSE(negotiate(offered | 2));
    CHECK_FALSE(negotiate(offered | 1ull << 33));
    CHECK(in(0x70) == 3);
    add_status(4);  // without FEATURES_OK
    CHECK(in(0x70) == 3);
    CHECK(shouter.starts == 0);
    out(0x14, 2);
    CHECK(in(0x10) == 0);
}

TEST_CASE("a VM whose RAM is lent demands ACCESS_PLATFORM")
{
    Fixture fixture(true);
    const std::uint64_t offered = fixture.device_features();
    CHECK((offered & 1ull << 33) != 0);
    CHECK(fixture.negotiate(offered));
    CHECK_FALSE(fixture.negotiate(offered & ~(1ull << 33)));
}

TEST_CASE_FIXTURE(Fixture, "agreed features change no more")
{
    REQUIRE(negotiate(1ull << 32 | 1));
    driver_features(~0ull);
    add_status(4);
    CHECK(shouter.features_agreed == (1ull << 32 | 1));
}

TEST_CASE_FIXTURE(Fixture, "queues tell how long they may be, and the others are none")
{
    out(0x30, 0);
    CHECK(in(0x34) == 16);
    out(0x30, 1);
    CHECK(in(0x34) == 8);
    for (const std::uint64_t none : {2ull, 0xffff'ffffull}) {
        out(0x30, none);
        CHECK(in(0x34) == 0);
        out(0x44, 1);
        CHECK(in(0x44) == 0);
    }
}

TEST_CASE_FIXTURE(Fixture,
                  "a queue of a bad size or in a bad place asks for a reset, which cures it")
{
    REQUIRE(negotiate(1ull << 32));
    SUBCASE("too long")
    {
        set_up(0, ring, 32);
    }
    SUBCASE("no power of two")
    {
        set_up(0, ring, 3);
    }
    SUBCASE("outside memory")
    {
        set_up(0, Ring{ram, 8, Ram::kBase + Ram::kSize}, 8);
    }
    CHECK(in(0x44) == 0);
    CHECK((in(0x70) & 64) != 0);
    CHECK((in(0x60) & 2) != 0);
    start();
    CHECK(in(0x70) == 15);
}

TEST_CASE_FIXTURE(Fixture, "a broken ring stops the device until a reset")
{
    start();
    ring.describe(0, kData, 1, kNext, 0);
    ring.offer(0);
    out(0x50, 0);
    while ((in(0x70) & 64) == 0)
        std::this_thread::yield();
    CHECK((in(0x60) & 2) != 0);
    offer_text("more");
    out(0x50, 0);
    out(0x70, 0);
    CHECK(in(0x70) == 0);
    CHECK(in(0x60) == 0);
    CHECK(ring.used_index() == 0);
    ring.set_index(0);
    start();
    offer_text("again");
    out(0x50, 0);
    wait_for_used(1);
    CHECK(ram.text(kData + 100, 5) == "AGAIN");
}

TEST_CASE_FIXTURE(Fixture, "a reset forgets queues and features and leaves no thread behind")
{
    start();
    CHECK(shouter.workers.size() == 1);
    out(0x70, 0);
    CHECK(shouter.workers.empty());
    CHECK(in(0x70) == 0);
    out(0x30, 0);
    CHECK(in(0x44) == 0);
    offer_text("nobody");
    out(0x50, 0);
    CHECK(shouter.shouted == 0);
}

TEST_CASE_FIXTURE(Fixture, "taking away a queue at work stops the device")
{
    start();
    out(0x30, 0);
    out(0x44, 0);
    CHECK(in(0x44) == 0);
    CHECK(shouter.workers.empty());
    CHECK((in(0x70) & 64) != 0);
}

TEST_CASE_FIXTURE(Fixture, "the rings of a ready queue stay where they are")
{
    start();
    out(0x30, 0);
    out(0x80, 0);
    out(0x38, 2);
    offer_text("hello");
    out(0x50, 0);
    wait_for_used(1);
    CHECK(ram.text(kData + 100, 5) == "HELLO");
}

TEST_CASE_FIXTURE(Fixture, "a device that cannot start asks for a reset")
{
    shouter.refuses = true;
    REQUIRE(negotiate(1ull << 32));
    add_status(4);
    CHECK((in(0x70) & 64) != 0);
    shouter.refuses = false;
    start();
    CHECK(in(0x70) == 15);
}

TEST_CASE_FIXTURE(Fixture, "the configuration space takes accesses of each width and ends in zeros")
{
    transport.write({.offset = 0x100, .size = 8}, 0x8877'6655'4433'2211);
    CHECK(in(0x104) == 0x8877'6655);
    CHECK(transport.read({.offset = 0x101, .size = 1}) == 0x22);
    CHECK(transport.read({.offset = 0x102, .size = 2}) == 0x4433);
    CHECK(in(0x108) == 0);
    CHECK(in(0xffc) == 0);
    const std::uint32_t generation = in(0xfc);
    start();
    shouter.notifier->config_changed();
    CHECK(in(0xfc) != generation);
    CHECK((in(0x60) & 2) != 0);
}

TEST_CASE_FIXTURE(Fixture, "registers are 32 bits wide: other accesses read zero and do nothing")
{
    CHECK(transport.read({.offset = 0, .size = 1}) == 0);
    CHECK(transport.read({.offset = 0, .size = 8}) == 0);
    transport.write({.offset = 0x70, .size = 1}, 1);
    CHECK(in(0x70) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a driver that never stops offering cannot keep a reset waiting")
{
    start();
    std::atomic<bool> over{false};
    std::uint16_t offered = 0;
    ring.describe(0, kData, 4, kNext, 1);
    ring.describe(1, kData + 100, 100, kWrite);
    std::thread other([&] {
        while (!over)
            if (static_cast<std::uint16_t>(offered - ring.used_index()) < 4) {
                ring.offer(0);
                ++offered;
                transport.kicks()[0].signal();
            }
    });
    while (shouter.shouted < 100)
        std::this_thread::yield();
    out(0x70, 0);
    over = true;
    other.join();
    CHECK(shouter.workers.empty());
}

}  // namespace gh::virtio
