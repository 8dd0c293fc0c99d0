// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/queue.h"

#include "driver.h"

#include <array>
#include <optional>

#include <doctest/doctest.h>

namespace gh::virtio {
namespace {

constexpr std::uint64_t kData = Ram::kBase + 0x2'0000;
constexpr std::uint64_t kTable = Ram::kBase + 0x4'0000;
constexpr std::uint16_t kSize = 8;

struct Fixture {
    void open(bool event_index = false)
    {
        queue.reset();
        queue.emplace(Queue::open(ram.memory(), ring.setup(event_index)).value());
    }
    Queue::Popped pop() { return queue->pop(chain); }
    /// What becomes of a chain that begins at descriptor 0.
    Queue::Popped pop_first()
    {
        ring.offer(0);
        return pop();
    }

    Ram ram;
    Ring ring{ram, kSize};
    std::optional<Queue> queue{Queue::open(ram.memory(), ring.setup())};
    Chain chain;
};

std::string readable_text(const Chain& chain)
{
    std::string text(chain.readable.size(), '\0');
    REQUIRE(chain.readable.read(0, std::as_writable_bytes(std::span(text))));
    return text;
}

}  // namespace

TEST_CASE("a queue opens only with a size that is a power of two and rings that are memory")
{
    const Ram ram;
    const Ring ring{ram, 8};
    const auto opens = [&](auto change) {
        QueueSetup setup = ring.setup();
        change(setup);
        return Queue::open(ram.memory(), setup).has_value();
    };
    CHECK(opens([](QueueSetup&) {}));
    CHECK_FALSE(opens([](QueueSetup& s) { s.size = 0; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.size = 7; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.descriptors = s.descriptors + 8; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.available = s.available + 1; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.used = s.used + 2; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.descriptors = Gpa{Ram::kBase - 16}; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.available = Gpa{~std::uint64_t{1}}; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.used = Gpa{Ram::kBase + Ram::kSize - 8}; }));
    CHECK_FALSE(opens([](QueueSetup& s) { s.used = Gpa{Ram::kReadOnly}; }));
    CHECK(opens([](QueueSetup& s) { s.available = Gpa{Ram::kReadOnly}; }));
}

TEST_CASE_FIXTURE(Fixture, "an empty queue has nothing")
{
    CHECK(pop() == Queue::Popped::Empty);
}

TEST_CASE_FIXTURE(Fixture, "a chain comes with its readable and then its writable bytes")
{
    ram.put_text(kData, "hello, ");
    ram.put_text(kData + 100, "device");
    ring.describe(3, kData, 7, kNext, 1);
    ring.describe(1, kData + 100, 6, kNext, 5);
    ring.describe(5, kData + 200, 4, kWrite);
    ring.offer(3);
    REQUIRE(pop() == Queue::Popped::Chain);
    CHECK(chain.head == 3);
    CHECK(readable_text(chain) == "hello, device");
    CHECK(chain.writable.size() == 4);
    CHECK(chain.writable.write(1, std::as_bytes(std::span("ok", 2))));
    CHECK(ram.text(kData + 201, 2) == "ok");
    CHECK(pop() == Queue::Popped::Empty);
    queue->push(3, 3);
    CHECK(ring.used_index() == 1);
    CHECK(ring.used_id(0) == 3);
    CHECK(ring.used_length(0) == 3);
}

TEST_CASE_FIXTURE(Fixture, "a buffer refuses to be read or written beyond its end")
{
    ring.describe(0, kData, 4, kNext, 1);
    ring.describe(1, kData, 4, kWrite);
    REQUIRE(pop_first() == Queue::Popped::Chain);
    std::array<std::byte, 5> bytes{};
    CHECK_FALSE(chain.readable.read(0, bytes));
    CHECK_FALSE(chain.readable.read(~std::uint64_t{0}, std::span(bytes).first(1)));
    CHECK_FALSE(chain.writable.write(1, std::span(bytes).first(4)));
    CHECK(chain.writable.write(4, std::span(bytes).first(0)));
}

TEST_CASE_FIXTURE(Fixture, "a slice of a buffer crosses its pieces")
{
    ram.put_text(kData, "abcdef");
    ring.describe(0, kData, 3, kNext, 1);
    ring.describe(1, kData + 3, 3);
    REQUIRE(pop_first() == Queue::Popped::Chain);
    Chain part;
    chain.readable.slice(2, 3, part.readable);
    CHECK(readable_text(part) == "cde");
}

TEST_CASE_FIXTURE(Fixture, "an indirect table stands for its descriptors, whatever its write flag")
{
    ram.put_text(kData, "indirect");
    ring.describe_in(kTable, 0, kData, 8, kNext, 2);
    ring.describe_in(kTable, 2, kData + 100, 16, kWrite);
    ring.describe(0, kTable, 3 * 16, kIndirect | kWrite);
    REQUIRE(pop_first() == Queue::Popped::Chain);
    CHECK(readable_text(chain) == "indirect");
    CHECK(chain.writable.size() == 16);
}

TEST_CASE_FIXTURE(Fixture,
                  "an indirect table may follow ordinary descriptors and be longer than the queue")
{
    for (unsigned i = 0; i < 20; ++i)
        ring.describe_in(kTable, i, kData, 1, i < 19 ? kNext : 0,
                         static_cast<std::uint16_t>(i + 1));
    ring.describe(0, kData, 5, kNext, 1);
    ring.describe(1, kTable, 20 * 16, kIndirect);
    REQUIRE(pop_first() == Queue::Popped::Chain);
    CHECK(chain.readable.size() == 25);
}

TEST_CASE_FIXTURE(Fixture, "what breaks a rule breaks the queue, for good")
{
    SUBCASE("a loop of one")
    {
        ring.describe(0, kData, 1, kNext, 0);
    }
    SUBCASE("a loop of two, of which one is writable")
    {
        ring.describe(0, kData, 1, kNext | kWrite, 1);
        ring.describe(1, kData, 1, kNext | kWrite, 0);
    }
    SUBCASE("a loop in an indirect table")
    {
        ring.describe(0, kTable, 32, kIndirect);
        ring.describe_in(kTable, 0, kData, 1, kNext, 1);
        ring.describe_in(kTable, 1, kData, 1, kNext, 0);
    }
    SUBCASE("a chain longer than any may be, in an indirect table")
    {
        ring.describe(0, kTable, (Queue::kMaxChain + 1) * 16, kIndirect);
        for (unsigned i = 0; i <= Queue::kMaxChain; ++i)
            ring.describe_in(kTable, i, kData, 1, i < Queue::kMaxChain ? kNext : 0,
                             static_cast<std::uint16_t>(i + 1));
    }
    SUBCASE("a successor beyond the table")
    {
        ring.describe(0, kData, 1, kNext, kSize);
    }
    SUBCASE("a successor beyond the indirect table")
    {
        ring.describe(0, kTable, 16, kIndirect);
        ring.describe_in(kTable, 0, kData, 1, kNext, 1);
    }
    SUBCASE("an indirect table within another")
    {
        ring.describe(0, kTable, 16, kIndirect);
        ring.describe_in(kTable, 0, kTable + 16, 16, kIndirect);
        ring.describe_in(kTable, 1, kData, 1);
    }
    SUBCASE("an indirect table that is the queue's own")
    {
        ring.describe(0, ring.descriptors(), 16, kIndirect);
    }
    SUBCASE("an indirect table with a successor")
    {
        ring.describe(0, kTable, 16, kIndirect | kNext, 1);
        ring.describe_in(kTable, 0, kData, 1);
        ring.describe(1, kData, 1);
    }
    SUBCASE("an indirect table of no bytes")
    {
        ring.describe(0, kTable, 0, kIndirect);
    }
    SUBCASE("an indirect table that is not made of descriptors")
    {
        ring.describe(0, kTable, 24, kIndirect);
        ring.describe_in(kTable, 0, kData, 1);
    }
    SUBCASE("an indirect table outside memory")
    {
        ring.describe(0, Ram::kBase + Ram::kSize - 16, 32, kIndirect);
    }
    SUBCASE("a descriptor of no bytes")
    {
        ring.describe(0, kData, 0);
    }
    SUBCASE("a descriptor outside memory")
    {
        ring.describe(0, Ram::kBase - 1, 1);
    }
    SUBCASE("a descriptor that leaves memory")
    {
        ring.describe(0, Ram::kBase + Ram::kSize - 4, 5);
    }
    SUBCASE("a descriptor that wraps around the address space")
    {
        ring.describe(0, ~std::uint64_t{0}, 0xffff'ffff);
    }
    SUBCASE("a writable descriptor in memory that may only be read")
    {
        ring.describe(0, Ram::kReadOnly, 4, kWrite);
    }
    SUBCASE("a readable descriptor behind a writable one")
    {
        ring.describe(0, kData, 1, kWrite | kNext, 1);
        ring.describe(1, kData, 1);
    }
    SUBCASE("a number of a first descriptor beyond the table")
    {
        ring.offer(kSize);
        CHECK(pop() == Queue::Popped::Broken);
    }
    SUBCASE("more chains than there are descriptors")
    {
        ring.describe(0, kData, 1);
        ring.set_index(kSize + 1);
    }
    SUBCASE("an index that goes back")
    {
        ring.describe(0, kData, 1);
        ring.set_index(0xfffe);  // and -1 by the next
    }
    CHECK(pop_first() == Queue::Popped::Broken);
    CHECK(queue->trouble() != nullptr);
    ring.describe(0, kData, 1);
    CHECK(pop_first() == Queue::Popped::Broken);
}

TEST_CASE_FIXTURE(Fixture, "a read-only page serves what the device reads")
{
    ring.describe(0, Ram::kReadOnly, 4);
    CHECK(pop_first() == Queue::Popped::Chain);
}

TEST_CASE_FIXTURE(Fixture, "an indirect table breaks the queue where none was agreed on")
{
    QueueSetup setup = ring.setup();
    setup.indirect = false;
    queue.emplace(Queue::open(ram.memory(), setup).value());
    ring.describe(0, kTable, 16, kIndirect);
    ring.describe_in(kTable, 0, kData, 1);
    CHECK(pop_first() == Queue::Popped::Broken);
}

TEST_CASE("a chain holds up to 4 GiB and no byte more")
{
    // Nothing is touched, so the host need not have so much; descriptors may overlap.
    constexpr std::uint32_t kBig = 0x8000'0000;
    const Mapping big("test memory", kBig, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
    const Ram ram;
    const DmaMemory memory(std::vector<DmaWindow>{
        {Gpa{Ram::kBase}, {ram.at(Ram::kBase), Ram::kSize}, true},
        {Gpa{0x1'0000'0000}, big.bytes(), true},
    });
    Ring ring{ram, kSize};
    auto queue = Queue::open(memory, ring.setup()).value();
    ring.describe(0, 0x1'0000'0000, kBig, kNext, 1);
    ring.describe(1, 0x1'0000'0000, kBig);
    ring.offer(0);
    Chain chain;
    REQUIRE(queue.pop(chain) == Queue::Popped::Chain);
    CHECK(chain.readable.size() == 0x1'0000'0000);
    ring.describe(1, 0x1'0000'0000, kBig, kNext, 2);
    ring.describe(2, 0x1'0000'0000, 1, kWrite);
    ring.offer(0);
    CHECK(queue.pop(chain) == Queue::Popped::Broken);
}

TEST_CASE_FIXTURE(Fixture, "indices wrap around at 65536, with and without event indices")
{
    bool event_index = false;
    SUBCASE("without") {}
    SUBCASE("with")
    {
        event_index = true;
    }
    open(event_index);
    ring.describe(0, kData, 1);
    for (unsigned i = 0; i < 70'000; ++i) {
        ring.set_used_event(static_cast<std::uint16_t>(i));
        REQUIRE(pop_first() == Queue::Popped::Chain);
        queue->push(0, i);
        REQUIRE(queue->wants_interrupt());
        REQUIRE(ring.used_index() == static_cast<std::uint16_t>(i + 1));
        REQUIRE(ring.used_length(i % kSize) == i);
    }
}

TEST_CASE_FIXTURE(Fixture, "a driver that wants no interrupts gets none")
{
    ring.describe(0, kData, 1);
    CHECK_FALSE(queue->wants_interrupt());  // nothing was pushed
    REQUIRE(pop_first() == Queue::Popped::Chain);
    queue->push(0, 0);
    ring.set_flags(1);
    CHECK_FALSE(queue->wants_interrupt());
    ring.set_flags(0);
    CHECK_FALSE(queue->wants_interrupt());  // it was asked for that one
    REQUIRE(pop_first() == Queue::Popped::Chain);
    queue->push(0, 0);
    CHECK(queue->wants_interrupt());
}

TEST_CASE_FIXTURE(Fixture, "with event indices the driver says for which chain it is interrupted")
{
    open(true);
    ring.describe(0, kData, 1);
    ring.set_used_event(2);  // for the third
    for (const bool expected : {false, false, true, false}) {
        REQUIRE(pop_first() == Queue::Popped::Chain);
        queue->push(0, 0);
        CHECK(queue->wants_interrupt() == expected);
    }
    ring.set_used_event(5);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(pop_first() == Queue::Popped::Chain);
        queue->push(0, 0);
    }
    CHECK(queue->wants_interrupt());  // the sixth is among the three
}

TEST_CASE_FIXTURE(Fixture, "a device that looks by itself says that it need not be kicked")
{
    ring.describe(0, kData, 1);
    queue->suppress_kicks();
    CHECK(ring.used_flags() == 1);
    CHECK_FALSE(queue->expect_kicks());
    CHECK(ring.used_flags() == 0);
    queue->suppress_kicks();
    ring.offer(0);
    CHECK(queue->expect_kicks());  // came in between
    open(true);
    ring.set_index(0);
    REQUIRE(pop_first() == Queue::Popped::Chain);
    CHECK_FALSE(queue->expect_kicks());
    CHECK(ring.available_event() == 1);
}

TEST_CASE("the bytes of chains are counted, both ways, once each")
{
    Ram ram;
    Ring ring{ram, kSize};
    Traffic traffic;
    auto queue = Queue::open(ram.memory(), ring.setup(), &traffic).value();
    ring.describe(0, kData, 100, kNext, 1);
    ring.describe(1, kData + 0x1000, 512, kWrite);
    Chain chain;
    for (int turn = 1; turn <= 2; ++turn) {
        ring.offer(0);
        REQUIRE(queue.pop(chain) == Queue::Popped::Chain);
        queue.push(chain.head, 30);
        CHECK(traffic.sent == 100u * static_cast<unsigned>(turn));
        CHECK(traffic.received == 30u * static_cast<unsigned>(turn));
    }
}

}  // namespace gh::virtio
