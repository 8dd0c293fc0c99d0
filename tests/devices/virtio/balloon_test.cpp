// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/balloon.h"

#include "transport_driver.h"

#include <initializer_list>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kNumbers = TransportDriver::kFree;
constexpr std::uint64_t kPages = Ram::kBase + 0x4'0000;

struct Fixture {
    Fixture()
    {
        for (unsigned page = 0; page < 16; ++page)
            ram.put_text(kPages + page * 0x1000u, std::string(0x1000, 'x'));
    }

    void offer(unsigned queue, std::initializer_list<std::uint64_t> addresses)
    {
        std::uint64_t at = kNumbers;
        for (const std::uint64_t address : addresses) {
            ram.put(at, static_cast<std::uint32_t>(address >> 12));
            at += 4;
        }
        driver.offer_buffer(queue, offered % 8, kNumbers, static_cast<std::uint32_t>(at - kNumbers),
                            false);
        (void)driver.wait(queue, static_cast<std::uint16_t>(++offered));
    }
    [[nodiscard]] bool is_kept(unsigned page) const
    {
        const std::string text = ram.text(kPages + page * 0x1000u, 0x1000);
        const bool kept = text == std::string(0x1000, 'x');
        CHECK((kept || text == std::string(0x1000, '\0')));
        return kept;
    }

    Ram ram;
    Balloon balloon{ram.memory(), 0x20'0000};
    TransportDriver driver{balloon, ram};
    std::uint16_t offered = 0;
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "the driver reads the target, hears of a new one, and says what it has")
{
    CHECK(driver.in(0x100) == 512);
    balloon.set_target(0x10'0fff);
    CHECK((driver.in(0x60) & 2) != 0);
    CHECK(driver.in(0x100) == 256);
    CHECK(balloon.target() == 0x10'0000);
    driver.out(0x104, 17);
    CHECK(driver.in(0x104) == 17);
    CHECK(balloon.actual() == 17 * Balloon::kPage);
    driver.out(0x100, 1);  // not the driver's to write
    CHECK(driver.in(0x100) == 256);
    driver.reset();
    CHECK(balloon.actual() == 0);
    balloon.set_target(0);  // nobody is there to hear of it
}

TEST_CASE_FIXTURE(Fixture, "pages in the balloon go back to the host, in any order, and no others")
{
    offer(0, {kPages + 0x3000, kPages + 0x1000, kPages + 0x2000, kPages + 0x5000, kPages + 0x5000});
    for (const unsigned page : {0u, 4u, 6u, 7u})
        CHECK(is_kept(page));
    for (const unsigned page : {1u, 2u, 3u, 5u})
        CHECK(!is_kept(page));
}

TEST_CASE_FIXTURE(Fixture, "pages that the guest does not have are no pages, and stop nobody")
{
    offer(0, {0, 0xffff'ffff'f000, Ram::kReadOnly, Ram::kBase - 0x1000, kPages});
    CHECK(!is_kept(0));
    driver.offer_buffer(0, offered % 8, kNumbers, 3, false);  // no whole number
    (void)driver.wait(0, static_cast<std::uint16_t>(++offered));
    driver.offer_buffer(0, offered % 8, kNumbers, 64, true);  // no numbers at all
    (void)driver.wait(0, static_cast<std::uint16_t>(++offered));
    CHECK(is_kept(1));
}

TEST_CASE_FIXTURE(Fixture, "pages that come out of the balloon are left alone")
{
    offer(1, {kPages, kPages + 0x1000});
    CHECK(is_kept(0));
    CHECK(is_kept(1));
}

TEST_CASE_FIXTURE(Fixture, "what the guest reports as free goes back, as far as it is whole pages")
{
    driver.ring(2).describe(0, kPages + 0x800, 0x2000, kWrite | kNext, 1);
    driver.ring(2).describe(1, kPages + 0x8000, 0x2000, kWrite);
    driver.offer(2, 0);
    (void)driver.wait(2, 1);
    CHECK(is_kept(0));
    CHECK(!is_kept(1));
    CHECK(is_kept(2));
    CHECK(!is_kept(8));
    CHECK(!is_kept(9));
    CHECK(is_kept(10));
}

}  // namespace gh::virtio
