// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/entropy.h"

#include "transport_driver.h"

#include <set>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kBuffer = TransportDriver::kFree;

struct Fixture {
    Ram ram;
    Entropy entropy;
    TransportDriver driver{entropy, ram};
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a request is filled with bytes that are new each time")
{
    std::set<std::string> seen;
    for (std::uint16_t i = 0; i < 20; ++i) {
        driver.offer_buffer(0, i % 8, kBuffer, 32, true);
        CHECK(driver.wait(0, static_cast<std::uint16_t>(i + 1)) == 32);
        CHECK(ram.get<std::uint8_t>(kBuffer + 32) == 0);
        seen.insert(ram.text(kBuffer, 32));
    }
    CHECK(seen.size() == 20);
}

TEST_CASE_FIXTURE(Fixture, "a request in pieces is filled along all of them")
{
    driver.ring(0).describe(0, kBuffer, 16, kWrite | kNext, 1);
    driver.ring(0).describe(1, kBuffer + 0x1000, 64, kWrite);
    driver.offer(0, 0);
    CHECK(driver.wait(0, 1) == 80);
    CHECK(ram.text(kBuffer, 16) != std::string(16, '\0'));
    CHECK(ram.text(kBuffer + 0x1000 + 32, 32) != std::string(32, '\0'));
}

TEST_CASE_FIXTURE(Fixture, "a request of any length brings a bounded number of bytes")
{
    driver.offer_buffer(0, 0, kBuffer, 0x8'0000, true);
    CHECK(driver.wait(0, 1) == Entropy::kMaxBytes);
    CHECK(ram.text(kBuffer + Entropy::kMaxBytes, 4096) == std::string(4096, '\0'));
}

TEST_CASE_FIXTURE(Fixture, "a request that leaves no room gets nothing")
{
    driver.offer_buffer(0, 0, kBuffer, 64, false);
    CHECK(driver.wait(0, 1) == 0);
    CHECK(ram.text(kBuffer, 64) == std::string(64, '\0'));
}

TEST_CASE_FIXTURE(Fixture,
                  "a request for memory that is not the guest's stops the device until reset")
{
    driver.offer_buffer(0, 0, Ram::kReadOnly, 64, true);
    driver.wait_until_broken();
    driver.reset();
    CHECK(driver.in(0x70) == 0);
}

}  // namespace gh::virtio
