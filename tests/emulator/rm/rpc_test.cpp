// SPDX-License-Identifier: BSD-3-Clause
// What a guest is answered over its link to the Resource Manager (gunyah-guest-abi.md 4.2). Where
// the reference gives no error for a case, what its source does is expected (inferred).
#include "emulator/rm/rpc_link.h"
#include "rm_fixture.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>

#include <doctest/doctest.h>

using namespace gh::rm;
using namespace gh::test;

namespace {

using Message = std::vector<std::byte>;
using Words = std::vector<std::uint32_t>;

/// Both ends of the link without a hypervisor, eight deep.
struct Queues final : gh::hyp::MessageOwner {
    bool post(unsigned queue, std::span<const std::byte> message) noexcept override
    {
        CHECK(queue == RpcLink::kToGuest);
        CHECK(message.size() <= 240);
        if (to_guest.size() == 8)
            return false;
        to_guest.emplace_back(message.begin(), message.end());
        return true;
    }
    std::optional<std::size_t> take(unsigned queue, std::span<std::byte> to) noexcept override
    {
        CHECK(queue == RpcLink::kFromGuest);
        if (from_guest.empty() || from_guest.front().size() > to.size())
            return std::nullopt;
        const Message message = from_guest.front();
        from_guest.pop_front();
        std::copy(message.begin(), message.end(), to.begin());
        return message.size();
    }
    void end(const gh::hyp::VmExit& exit) noexcept override { exits.push_back(exit); }

    std::deque<Message> from_guest;
    std::deque<Message> to_guest;
    std::vector<gh::hyp::VmExit> exits;
};

Message header(unsigned type, unsigned fragments, std::uint16_t sequence, std::uint32_t id)
{
    Message out{std::byte{0x21}, std::byte(fragments << 2 | type), std::byte(sequence & 0xff),
                std::byte(sequence >> 8)};
    for (unsigned n = 0; n < 4; ++n)
        out.push_back(std::byte(id >> 8 * n));
    return out;
}

Message operator+(Message a, const Message& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Message words(std::initializer_list<std::uint32_t> all)
{
    Message out;
    for (const std::uint32_t word : all)
        for (unsigned n = 0; n < 4; ++n)
            out.push_back(std::byte(word >> 8 * n));
    return out;
}

/// {length, 0, text, padding}.
Message text(const std::string& it)
{
    Message out = words({static_cast<std::uint32_t>(it.size())});
    for (const char c : it)
        out.push_back(std::byte(c));
    out.resize((out.size() + 3) / 4 * 4);
    return out;
}

struct RpcFixture : RmFixture {
    RpcFixture()
    {
        auto& vdevices = tree.child("gunyah-vm-config").child("vdevices");
        vdevices.child("rm")
            .set_text("vdevice-type", "rm-rpc")
            .set_text("generate", "/hypervisor/rm")
            .set_flag("console-dev");
        vdevices.child("mq")
            .set_text("vdevice-type", "message-queue")
            .set_text("generate", "/hypervisor/mq")
            .set_flag("peer-default")
            .set_flag("is-sender")
            .set_u32("label", 9);
        tree.child("gunyah-vm-config")
            .set_text("vm-uri", "vmuid/probe")
            .set_text("vm-guid", "12345678-1234-1234-1234-123456789abc");
        REQUIRE(start_with(tree) == Error::Ok);
    }

    void send(Message message) { queues.from_guest.push_back(std::move(message)); }
    void run() { hypervisor().config.on_message(queues, RpcLink::kFromGuest); }

    /// The payload of the reply to a request, put together.
    Message ask(std::uint32_t id, const Message& payload = {})
    {
        ++sequence;
        const auto fragments = static_cast<unsigned>((payload.size() + 231) / 232);
        for (unsigned n = 0; n == 0 || n < fragments; ++n) {
            const auto first = payload.begin() + 232 * static_cast<std::ptrdiff_t>(n);
            const auto last = n + 1 < fragments ? first + 232 : payload.end();
            send(header(n == 0 ? 1 : 0, fragments == 0 ? 0 : fragments - 1, sequence, id) +
                 Message(first, last));
        }
        run();
        Message reply;
        for (bool first = true; !queues.to_guest.empty(); first = false) {
            const Message message = queues.to_guest.front();
            queues.to_guest.pop_front();
            CHECK((std::to_integer<unsigned>(message[1]) & 3) == (first ? 2 : 0));
            CHECK(std::equal(message.begin() + 2, message.begin() + 8,
                             header(0, 0, sequence, id).begin() + 2));
            reply.insert(reply.end(), message.begin() + 8, message.end());
            run();
        }
        return reply;
    }
    Words ask_words(std::uint32_t id, const Message& payload = {})
    {
        const Message reply = ask(id, payload);
        Words out(reply.size() / 4);
        std::memcpy(out.data(), reply.data(), out.size() * 4);
        return out;
    }
    std::uint32_t error(std::uint32_t id, const Message& payload = {})
    {
        const Words reply = ask_words(id, payload);
        REQUIRE(!reply.empty());
        return reply[0];
    }

    Queues queues;
    std::uint16_t sequence = 0x1230;
};

}  // namespace

TEST_CASE_FIXTURE(RpcFixture, "4.2 what a guest asks of itself: type, vmid, owner, peers, state")
{
    CHECK(ask_words(0x5600'00a0) == Words{0, 0x0100'0164});
    CHECK(ask_words(0x5600'0024) == Words{0, vm->vmid()});
    CHECK(ask_words(0x5600'0015) == Words{0, 3});
    CHECK(ask_words(0x5600'0025) == Words{0, 1, 3});
    CHECK(ask_words(0x5600'0017, words({0})) == Words{0, 3});
    CHECK(ask_words(0x5600'0017, words({vm->vmid()})) == Words{0, 3});
    CHECK(ask_words(0x5600'0017, words({3})) == Words{0, 3});
    CHECK(error(0x5600'0017, words({0x99})) == 2);
    CHECK(error(0x5600'0017, words({0xff})) == 3);
    for (const std::uint32_t id : {0x5600'00a0u, 0x5600'0024u, 0x5600'0015u, 0x5600'0025u})
        CHECK(error(id, words({0})) == 4);
    CHECK(error(0x5600'0017) == 4);
}

TEST_CASE_FIXTURE(RpcFixture,
                  "4.2 GET_ID: guid, name and uri, as the devicetree has them, and signer")
{
    const Words reply = ask_words(0x5600'0010, words({0}));
    REQUIRE(reply.size() > 7);
    CHECK(reply[0] == 0);
    CHECK(reply[1] == 4);
    CHECK(reply[2] == 16u << 16);
    CHECK(reply[3] == 0x7856'3412);
    CHECK(reply[7] == (8u << 16 | 2));  // "probe-vm"
    CHECK(reply[8] == 0x626f'7270);
    CHECK(reply[10] == (11u << 16 | 1));  // "vmuid/probe"
    CHECK(reply[14] == (3u << 16 | 3));
    CHECK(reply.size() == 16);
    CHECK(ask_words(0x5600'0010, words({3}))[1] == 3);
    CHECK(error(0x5600'0010, words({0x81})) == 2);
    CHECK(error(0x5600'0010, words({0, 0})) == 4);
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 LOOKUP: by name, uri and guid, of itself and the host")
{
    CHECK(ask_words(0x5600'0013, text("probe-vm")) == Words{0, 1, vm->vmid()});
    CHECK(ask_words(0x5600'0013, text("HLOS")) == Words{0, 1, 3});
    CHECK(ask_words(0x5600'0013, text("probe-v")) == Words{0, 0});
    CHECK(ask_words(0x5600'0011, text("vmuid/probe")) == Words{0, 1, vm->vmid()});
    const Message id = ask(0x5600'0010, words({0}));
    const Message guid(id.begin() + 12, id.begin() + 28);
    CHECK(ask_words(0x5600'0012, guid) == Words{0, 1, vm->vmid()});
    CHECK(error(0x5600'0012, words({1})) == 4);
    for (const std::uint32_t lookup : {0x5600'0011u, 0x5600'0012u, 0x5600'0013u})
        CHECK(error(lookup) == 6);
    CHECK(error(0x5600'0013, text(std::string(80, 'a'))) == 6);
    CHECK(error(0x5600'0013, text("a") + words({0})) == 4);
    CHECK(error(0x5600'0013, words({1, 0x6161})) == 4);
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 GET_HYP_RESOURCES: doorbells and queues with their capabilities")
{
    const Words reply = ask_words(0x5600'0020, words({3}));
    REQUIRE(reply.size() == 2 + 2 * 11);
    CHECK(reply[1] == 2);
    // {type, partner}, handle, label, capability, handle and number of the interrupt
    CHECK(Words(reply.begin() + 2, reply.begin() + 9) == Words{3u << 16 | 1, 0, 0, 2, 0, 0, 32});
    CHECK(Words(reply.begin() + 13, reply.begin() + 20) ==
          Words{3u << 16 | 2, 0, 9, 3, 0, 0, 32 + 930});
    CHECK(ask_words(0x5600'0020, words({vm->vmid()})) == Words{0, 0});
    CHECK(error(0x5600'0020, words({0})) == 0xd);
    CHECK(error(0x5600'0020, words({0x99})) == 0xd);
    CHECK(error(0x5600'0020) == 4);
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 VM_EXIT: type 0 with the guest's flags and code")
{
    CHECK(error(0x5600'0085, words({0x0002'0001})) == 4);  // no such code
    CHECK(error(0x5600'0085, words({0x0100'0000})) == 4);
    CHECK(error(0x5600'0085) == 4);
    CHECK(queues.exits.empty());
    CHECK(error(0x5600'0085, words({0x0003'8001})) == 0);
    REQUIRE(queues.exits.size() == 1);
    CHECK(queues.exits[0].type == 0);
    CHECK(queues.exits[0].reason_size == 4);
    CHECK(queues.exits[0].reason[0] == 1);
    CHECK(queues.exits[0].reason[1] == 0x80);
    CHECK(queues.exits[0].reason[2] == 3);
}

TEST_CASE("4.2 SET_CRASH_MSG: what ends the VM after it counts as a software error")
{
    for (const bool crashes : {false, true})
        for (const unsigned type : {1u, 2u, 7u}) {
            RpcFixture guest;
            std::vector<gh::hyp::VmExit> seen;
            guest.init(guest.tree);
            std::vector<HostPiece> memory{{0, 0, guest.ram, true}};
            REQUIRE(guest.vm->start(memory, [&](const gh::hyp::VmExit& e) { seen.push_back(e); }) ==
                    Error::Ok);
            CHECK(guest.error(0x5600'0086, words({2, 0x6161'6161})) == 4);
            if (crashes)
                CHECK(guest.error(0x5600'0086, text("Oops\n" + std::string(300, 'x'))) == 0);
            hypervisor().end(static_cast<std::uint16_t>(type));
            REQUIRE(seen.size() == 1);
            CHECK(seen[0].reason[2] == (crashes && type != 7 ? 1 : 0));
        }
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 CONSOLE: the guest opens its own, what it writes nobody reads")
{
    const Message write = words({5u << 16}) + Message(5);
    CHECK(error(0x5600'0083, write) == 3);
    CHECK(error(0x5600'0084, words({0})) == 3);
    CHECK(error(0x5600'0081, words({vm->vmid()})) == 3);
    CHECK(error(0x5600'0081, words({3})) == 6);
    CHECK(error(0x5600'0081) == 4);
    CHECK(error(0x5600'0081, words({0})) == 0);
    CHECK(error(0x5600'0083, write) == 0);
    CHECK(error(0x5600'0083, write + Message(1)) == 4);
    CHECK(error(0x5600'0083, Message(2)) == 4);
    CHECK(error(0x5600'0084, words({0})) == 0);
    CHECK(error(0x5600'0082, words({0})) == 0);
    CHECK(error(0x5600'0083, write) == 3);
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 messages of owners are not a guest's to send")
{
    CHECK(error(0x5600'0001, words({0})) == 3);
    CHECK(error(0x5600'0080, words({3})) == 3);
    for (const std::uint32_t id : {0x5600'0002u, 0x5600'0004u}) {
        CHECK(error(id, words({vm->vmid()})) == 3);
        CHECK(error(id, words({0x99})) == 0xd);
        CHECK(error(id) == 4);
    }
    CHECK(error(0x5600'0005, words({vm->vmid(), 0})) == 0xd);
    CHECK(error(0x5600'0006, words({vm->vmid()})) == 0xd);
    CHECK(error(0x5600'0030, words({vm->vmid(), 0, 0, 0, 0})) == 0x14);
    CHECK(error(0x5600'0032, words({vm->vmid(), 0, 0, 0, 0, 0})) == 0x14);
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 what nobody knows, memory and interrupts are Unimplemented")
{
    for (const std::uint32_t id : {0u, 0x5600'00ffu, 0x5100'0011u, 0x5100'0013u, 0x5600'0050u, ~0u})
        CHECK(error(id, words({1, 2, 3})) == 0xffff'ffff);
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 transport: a request of several messages is put together")
{
    CHECK(error(0x5600'0013, Message(232 * 3)) == 4);
    CHECK(error(0x5600'00ff, Message(232 * 63)) == 0xffff'ffff);
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 transport: what is no request of this version has no answer")
{
    const Message good = header(1, 0, 1, 0x5600'0024);
    for (const std::size_t size : {0u, 1u, 7u})
        send(Message(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)));
    auto old = good;
    old[0] = std::byte{0x22};
    send(old);
    run();
    send(header(2, 0, 1, 0x5600'0024));   // a reply
    send(header(3, 0, 1, 0x5600'0024));   // a notification
    send(header(0, 0, 1, 0x5600'0024));   // goes on, but nothing began
    send(header(1, 63, 1, 0x5600'0024));  // too many
    send(header(1, 2, 1, 0x5600'0024) + Message(4));
    send(header(0, 2, 2, 0x5600'0024) + Message(4));  // of another sequence
    run();
    CHECK(queues.from_guest.empty());
    CHECK(queues.to_guest.empty());
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 transport: a guest that does not read is not read from")
{
    for (unsigned n = 0; n < 20; ++n)
        send(header(1, 0, static_cast<std::uint16_t>(n), 0x5600'0024));
    run();
    CHECK(queues.to_guest.size() == 8);
    CHECK(queues.from_guest.size() == 11);  // one reply waits
    for (unsigned n = 0; n < 20; ++n) {
        REQUIRE(!queues.to_guest.empty());
        CHECK(queues.to_guest.front()[2] == std::byte(n));
        queues.to_guest.pop_front();
        hypervisor().config.on_message(queues, RpcLink::kToGuest);
    }
    CHECK(queues.to_guest.empty());
}

TEST_CASE_FIXTURE(RpcFixture, "4.2 transport: 200000 random messages, and the link still answers")
{
    std::mt19937_64 random{17};
    for (unsigned n = 0; n < 200'000; ++n) {
        static constexpr std::uint32_t kFamilies[] = {0x5600'0000, 0x5600'0080, 0x5100'0000};
        const auto id = static_cast<std::uint32_t>(kFamilies[random() % 3] + random() % 0x40);
        Message message = header(random() % 8 == 0 ? 0 : 1, random() % 4 == 0 ? random() % 64 : 0,
                                 static_cast<std::uint16_t>(random() % 4), id);
        Message payload(random() % 2 == 0 ? random() % 6 * 4 : random() % 233);
        for (std::byte& b : payload)
            b = random() % 2 == 0 ? std::byte{} : std::byte(random());
        send(message + payload);
        run();
        queues.to_guest.clear();
    }
    run();
    queues.to_guest.clear();
    CHECK(ask_words(0x5600'0024) == Words{0, vm->vmid()});
}
