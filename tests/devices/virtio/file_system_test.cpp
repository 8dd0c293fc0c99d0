// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/file_system.h"

#include "fake_backend.h"
#include "transport_driver.h"

#include <cerrno>
#include <optional>

#include <sys/mman.h>

namespace gh::virtio {
namespace {

using vhost_user::Request;

constexpr std::uint64_t kIn = TransportDriver::kFree;
constexpr std::uint64_t kOut = kIn + 0x1000;
constexpr unsigned kRequests = 1;

/// A back-end that finds its rings by what it was told alone, through a mapping of its own.
struct Server {
    explicit Server(FakeBackend& told) : backend(told)
    {
        const auto table = backend.message(Request::SetMemTable).as<vhost_user::MemoryTable>();
        mapping = Mapping("shared memory", Ram::kSize, PROT_READ | PROT_WRITE, MAP_SHARED,
                          backend.message(Request::SetMemTable).files.at(0).get());
        memory.add({.base = Gpa{table.regions[0].user_address}, .host = mapping.bytes()});
    }

    [[nodiscard]] Queue queue(unsigned index) const
    {
        const auto addr = backend.message(Request::SetVringAddr, index).as<vhost_user::VringAddr>();
        const auto num = backend.message(Request::SetVringNum, index).as<vhost_user::VringState>();
        auto queue = Queue::open(memory, {.size = static_cast<std::uint16_t>(num.num),
                                          .descriptors = Gpa{addr.descriptor},
                                          .available = Gpa{addr.available},
                                          .used = Gpa{addr.used}});
        REQUIRE(queue);
        return *queue;
    }
    void call(unsigned index) const
    {
        const std::uint64_t one = 1;
        REQUIRE(::write(backend.message(Request::SetVringCall, index).files.at(0).get(), &one,
                        sizeof one) == sizeof one);
    }

    FakeBackend& backend;
    Mapping mapping;
    DmaMemory memory;
};

struct Fixture {
    FileSystem::Options options{.name = "folder0", .tag = "home"};
    Ram ram;
    FakeBackend backend;
    VhostUser front{backend.front(), {.name = "the server"}};
    FileSystem folder{options, ram.memory(), front};
    std::optional<TransportDriver> driver{std::in_place, folder, ram};

    /// What the guest's kernel asks, and the room that it gives for an answer.
    void request(std::uint16_t slot, std::uint64_t unique)
    {
        const auto head = static_cast<std::uint16_t>(2 * slot);
        const std::uint64_t in = kIn + slot * 64u;
        const std::uint64_t out = kOut + slot * 64u;
        ram.put<std::uint32_t>(in, 40);
        ram.put(in + 8, unique);
        ram.put(out + 4, 0);
        Ring& ring = driver->ring(kRequests);
        ring.describe(head, in, 40, kNext, static_cast<std::uint16_t>(head + 1));
        ring.describe(head + 1u, out, 16, kWrite);
        driver->offer(kRequests, head);
    }
    [[nodiscard]] std::int32_t error(unsigned slot) const
    {
        return ram.get<std::int32_t>(kOut + slot * 64u + 4);
    }
    [[nodiscard]] std::uint64_t unique(unsigned slot) const
    {
        return ram.get<std::uint64_t>(kOut + slot * 64u + 8);
    }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a driver finds a file system, its tag, and one queue of requests")
{
    CHECK(driver->in(0x08) == 26);
    std::string tag;
    for (std::uint64_t at = 0x100; at < 0x124; at += 4) {
        const std::uint32_t four = driver->in(at);
        tag.append(reinterpret_cast<const char*>(&four), 4);
    }
    CHECK(tag == "home" + std::string(32, '\0'));
    CHECK(driver->in(0x124) == 1);
}

TEST_CASE("the transport offers what the back-end can do with rings, and no more")
{
    FakeBackend backend(FakeBackend::Options{.features = feature_flag(kFeatureVersion1) |
                                                         feature_flag(kFeatureIndirectDesc)});
    const Ram ram;
    VhostUser front{backend.front(), {.name = "the server"}};
    FileSystem folder{{.name = "folder0", .tag = "home"}, ram.memory(), front};
    MmioTransport transport{folder, ram.memory(), {}};
    CHECK(transport.read({.offset = 0x10, .size = 4}) == feature_flag(kFeatureIndirectDesc));
}

TEST_CASE_FIXTURE(Fixture, "a request reaches the back-end, and its call interrupts the driver")
{
    request(0, 77);
    const Server server(backend);
    Queue queue = server.queue(kRequests);
    Chain chain;
    REQUIRE(queue.pop(chain) == Queue::Popped::Chain);
    std::array<std::uint64_t, 2> in{};
    REQUIRE(chain.readable.read(0, bytes_of(in)));
    CHECK(in[1] == 77);
    REQUIRE(chain.writable.write(8, bytes_of(std::uint64_t{77})));
    CHECK(driver->in(0x60) == 0);
    queue.push(chain.head, 16);
    server.call(kRequests);
    while (driver->in(0x60) == 0)
        std::this_thread::yield();
    CHECK(driver->in(0x60) == 1);
    CHECK(driver->wait(kRequests, 1) == 16);
    CHECK(unique(0) == 77);
}

TEST_CASE_FIXTURE(Fixture, "a reset waits until the back-end has let go of all rings")
{
    driver->reset();
    CHECK(backend.count(Request::GetVringBase) == 2);
    CHECK(front.is_alive());
}

TEST_CASE_FIXTURE(Fixture, "the next machine's folder is served by the same connection")
{
    driver.reset();
    const Ram other;
    FileSystem next{options, other.memory(), front};
    const TransportDriver again{next, other};
    CHECK(backend.count(Request::SetMemTable) == 2);
    CHECK(backend.count(Request::SetOwner) == 1);
    // libvhost-user looks for the last machine's rings in the new table.
    const auto first = backend.message(Request::SetMemTable, 0).as<vhost_user::MemoryTable>();
    const auto second = backend.message(Request::SetMemTable, 1).as<vhost_user::MemoryTable>();
    CHECK(first.regions[0].user_address == second.regions[0].user_address);
    CHECK(front.is_alive());
}

TEST_CASE_FIXTURE(Fixture, "after the back-end's end what waits fails, and all that comes")
{
    request(0, 10);
    request(1, 11);
    {
        const Server server(backend);
        Queue queue = server.queue(kRequests);
        Chain chain;
        REQUIRE(queue.pop(chain) == Queue::Popped::Chain);
        queue.push(chain.head, 16);
    }
    backend.end();
    (void)driver->wait(kRequests, 2);
    CHECK(error(0) == 0);  // the back-end has answered this one
    CHECK(error(1) == -ENOTCONN);
    CHECK(unique(1) == 11);
    request(2, 12);
    CHECK(driver->wait(kRequests, 3) == 16);
    CHECK(error(2) == -ENOTCONN);
    CHECK(unique(2) == 12);
    CHECK(driver->in(0x60) == 1);
}

TEST_CASE_FIXTURE(Fixture, "requests without room for an answer are taken away")
{
    backend.end();
    driver->offer_buffer(0, 0, kIn, 40, false);
    CHECK(driver->wait(0, 1) == 0);
    driver->offer_buffer(kRequests, 0, kIn, 3, false);
    CHECK(driver->wait(kRequests, 1) == 0);
    driver->offer_buffer(kRequests, 1, kOut, 3, true);
    CHECK(driver->wait(kRequests, 2) == 0);
}

TEST_CASE_FIXTURE(Fixture, "a driver that comes after the back-end's end gets answers, too")
{
    backend.end();
    driver->reset();
    driver.reset();
    const Ram other;
    FileSystem next{options, other.memory(), front};
    TransportDriver late{next, other};
    late.ring(kRequests).describe(0, kIn, 40, kNext, 1);
    late.ring(kRequests).describe(1, kOut, 16, kWrite);
    late.offer(kRequests, 0);
    CHECK(late.wait(kRequests, 1) == 16);
    CHECK(other.get<std::int32_t>(kOut + 4) == -ENOTCONN);
}

TEST_CASE_FIXTURE(Fixture, "a broken ring that nobody serves any more stops the device until reset")
{
    backend.end();
    driver->offer_buffer(kRequests, 0, 0x1000, 16, true);
    driver->wait_until_broken();
    driver->reset();
    CHECK(driver->in(0x70) == 0);
}

}  // namespace gh::virtio
