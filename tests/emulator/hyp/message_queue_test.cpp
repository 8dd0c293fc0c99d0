// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/message_queue.h"

#include "gic_fixture.h"
#include "guest_pages.h"

#include <array>
#include <thread>

#include <doctest/doctest.h>

namespace gh::hyp {

constexpr std::uint64_t kRam = 0x8000'0000;

struct QueueFixture : GicFixture<1> {
    QueueFixture()
    {
        enable_all();
        pages.add(kRam);
    }
    void make_edge() { gicd(GICD_ICFGR + 8, ~0u); }
    unsigned take()
    {
        const auto intid = static_cast<unsigned>(*icc(kIar1));
        write_icc(kEoir1, intid);
        return intid;
    }
    bool send(bool push = false) { return sender.send(8, memory, kRam, push).error == kOk; }
    bool receive() { return receiver.receive(memory, kRam, 240).error == kOk; }
    bool post() { return receiver.post(message); }
    bool drain() { return sender.take(buffer).has_value(); }

    GuestPages pages;
    cpu::State state;
    GuestAccess memory{state, pages};
    std::array<std::byte, 8> message{};
    std::array<std::byte, 240> buffer{};
    MessageQueue sender{{.guest_sends = true, .intid = 40, .depth = 4}, gic};
    MessageQueue receiver{{.guest_sends = false, .intid = 41, .depth = 4}, gic};
};

TEST_CASE_FIXTURE(QueueFixture,
                  "a receiver's edge comes when its threshold is reached, and not before")
{
    make_edge();
    CHECK(receiver.configure_receive(2, ~0u) == kOk);
    CHECK(post());
    CHECK(take() == 1023);
    CHECK(post());
    CHECK(take() == 41);
    CHECK(post());
    CHECK(take() == 1023);
}

TEST_CASE_FIXTURE(QueueFixture, "a receiver's level stays until there are fewer than its threshold")
{
    CHECK(post());
    CHECK(post());
    CHECK(take() == 41);
    CHECK(receive());
    CHECK(take() == 41);
    CHECK(receive());
    CHECK(take() == 1023);
    CHECK_FALSE(receive());
}

TEST_CASE_FIXTURE(QueueFixture, "a sender's edge comes when a full queue has room again")
{
    make_edge();
    for (unsigned n = 0; n < 4; ++n)
        CHECK(send());
    CHECK_FALSE(send());
    CHECK(take() == 1023);
    CHECK(drain());
    CHECK(take() == 40);
    CHECK(drain());
    CHECK(take() == 1023);
}

TEST_CASE_FIXTURE(QueueFixture, "a sender's threshold may be an empty queue")
{
    make_edge();
    CHECK(send());
    CHECK(send());
    CHECK(sender.configure_send(0, ~0u) == kOk);
    CHECK(drain());
    CHECK(take() == 1023);
    CHECK(drain());
    CHECK(take() == 40);
}

TEST_CASE_FIXTURE(QueueFixture,
                  "a threshold that holds already asserts at once, one that does not drops")
{
    CHECK(sender.configure_send(3, ~0u) == kOk);
    CHECK(take() == 40);
    CHECK(send());
    CHECK(sender.configure_send(0, ~0u) == kOk);
    CHECK(take() == 1023);
    CHECK(post());
    CHECK(receiver.configure_receive(2, ~0u) == kOk);
    CHECK(take() == 1023);
    CHECK(receiver.configure_receive(1, ~0u) == kOk);
    CHECK(take() == 41);
}

TEST_CASE_FIXTURE(QueueFixture,
                  "the owner cannot post more than the depth, nor longer than the size")
{
    const std::array<std::byte, 241> long_one{};
    CHECK_FALSE(receiver.post(long_one));
    for (unsigned n = 0; n < 4; ++n)
        CHECK(post());
    CHECK_FALSE(post());
}

TEST_CASE_FIXTURE(QueueFixture, "a message that does not fit its taker stays")
{
    CHECK(send());
    CHECK_FALSE(sender.take(std::span(buffer).first(7)));
    CHECK(sender.take(buffer) == 8);
    CHECK_FALSE(sender.take(buffer));
}

TEST_CASE_FIXTURE(QueueFixture, "messages between threads keep their order and number")
{
    constexpr unsigned kMessages = 2000;
    std::jthread owner([this] {
        for (std::uint64_t n = 0; n < kMessages;) {
            const auto bytes = std::as_bytes(std::span(&n, 1));
            n += receiver.post(bytes) ? 1u : 0u;
        }
    });
    for (std::uint64_t n = 0; n < kMessages;) {
        const auto got = receiver.receive(memory, kRam, 240);
        if (got.error != kOk)
            continue;
        std::uint64_t number = 0;
        std::memcpy(&number, pages.page(kRam).host, sizeof number);
        REQUIRE(number == n++);
    }
}

}  // namespace gh::hyp
