// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/vhost_user.h"

#include "base/error.h"
#include "base/event_fd.h"
#include "driver.h"
#include "fake_backend.h"

#include <chrono>
#include <optional>
#include <string>

#include <unistd.h>

namespace gh::virtio {
namespace {

using namespace vhost_user;

constexpr std::chrono::seconds kLong{600};
constexpr std::uint64_t kRing = Ram::kBase;

VhostUser connect(FakeBackend& backend, std::chrono::milliseconds patience = kLong)
{
    return VhostUser(backend.front(), {.name = "the server", .patience = patience});
}

std::string trouble_of(const std::function<void()>& action)
{
    try {
        action();
    } catch (const Error& error) {
        return error.what();
    }
    return "none";
}

struct Fixture {
    [[nodiscard]] VhostUser::Vring vring(unsigned index, std::uint64_t at = kRing) const
    {
        return {.index = index,
                .setup = {.size = 8,
                          .descriptors = Gpa{at},
                          .available = Gpa{at + 0x400},
                          .used = Gpa{at + 0x800}},
                .kick = kick.get(),
                .call = call.get()};
    }
    void start(VhostUser& front, std::uint64_t features = feature_flag(kFeatureVersion1)) const
    {
        const std::array vrings{vring(0), vring(1, kRing + 0x1000)};
        front.start(features, ram.memory(), vrings);
    }

    Ram ram;
    EventFd kick;
    EventFd call;
};

/// One wrong thing that a back-end may do instead of answering, and what is said of it.
struct Wrong {
    const char* said;
    std::function<void(Header header, int socket)> act;
};

void say(int socket, const Header& header, std::uint64_t payload, std::size_t size)
{
    std::array<std::byte, sizeof header + sizeof payload> bytes{};
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, &payload, sizeof payload);
    (void)::send(socket, bytes.data(), size, MSG_NOSIGNAL);
}

const std::array kWrongs{
    Wrong{"that is none",
          [](Header h, int s) {
              say(s, {h.request + 1, 5, 8}, 0, 20);
          }},
    Wrong{"that is none",
          [](Header h, int s) {
              say(s, {h.request, 1, 8}, 0, 20);
          }},
    Wrong{"that is none",
          [](Header h, int s) {
              say(s, {h.request, 6, 8}, 0, 20);
          }},
    Wrong{"that is none",
          [](Header h, int s) {
              say(s, {h.request, 5, 4}, 0, 16);
          }},
    Wrong{"that is none",
          [](Header h, int s) {
              say(s, {h.request, 5, 0xffff'ffff}, 0, 20);
          }},
    Wrong{"has ended", [](Header, int s) { ::shutdown(s, SHUT_RDWR); }},
    Wrong{"has ended",
          [](Header h, int s) {
              say(s, {h.request, 5, 8}, 0, 15);
              ::shutdown(s, SHUT_RDWR);
          }},
};

const std::array kAnswered{
    Request::GetFeatures,  Request::GetProtocolFeatures, Request::SetOwner,
    Request::SetFeatures,  Request::SetMemTable,         Request::SetVringNum,
    Request::SetVringBase, Request::SetVringAddr,        Request::SetVringCall,
    Request::SetVringKick, Request::SetVringEnable,      Request::GetVringBase,
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "a back-end is told of features, memory and rings before it is to work")
{
    FakeBackend backend;
    VhostUser front = connect(backend);
    CHECK(front.features() == (FakeBackend::kFeatures & ~feature_flag(kFeatureProtocolFeatures)));
    front.start(feature_flag(kFeatureVersion1) | feature_flag(kFeatureEventIdx) |
                    feature_flag(kFeatureAccessPlatform) | 1,
                ram.memory(), std::array{vring(1)});
    using R = Request;
    CHECK(backend.requests() ==
          std::vector{R::GetFeatures, R::GetProtocolFeatures, R::SetProtocolFeatures, R::SetOwner,
                      R::SetFeatures, R::SetMemTable, R::SetVringNum, R::SetVringBase,
                      R::SetVringAddr, R::SetVringCall, R::SetVringKick, R::SetVringEnable});
    // what the transport translates, and what the back-end has not offered, is not its business
    CHECK(backend.message(R::SetFeatures).as<std::uint64_t>() ==
          (feature_flag(kFeatureVersion1) | feature_flag(kFeatureEventIdx) |
           feature_flag(kFeatureProtocolFeatures)));
    CHECK(backend.message(R::SetProtocolFeatures).as<std::uint64_t>() ==
          feature_flag(kProtocolReplyAck));
    CHECK(backend.message(R::SetVringNum).as<VringState>().num == 8);
    const auto addr = backend.message(R::SetVringAddr).as<VringAddr>();
    CHECK(addr.index == 1);
    CHECK(addr.descriptor == kRing);
    CHECK(addr.available == kRing + 0x400);
    CHECK(addr.used == kRing + 0x800);
    REQUIRE(backend.message(R::SetVringKick).files.size() == 1);
    CHECK(backend.message(R::SetVringKick).as<std::uint64_t>() == 1);
    CHECK(front.is_alive());
}

TEST_CASE_FIXTURE(Fixture, "a back-end can map what the guest shares, and nothing else")
{
    FakeBackend backend;
    VhostUser front = connect(backend);
    start(front);
    const VhostMessage& message = backend.message(Request::SetMemTable);
    const auto table = message.as<MemoryTable>();
    REQUIRE(table.num_regions == 1);  // what the guest may only read is no place for answers
    CHECK(message.payload.size() == 8 + sizeof(MemoryRegion));
    CHECK(table.regions[0].guest_address == Ram::kBase);
    CHECK(table.regions[0].user_address == Ram::kBase);
    CHECK(table.regions[0].size == Ram::kSize);
    CHECK(table.regions[0].mmap_offset == 0);
    REQUIRE(message.files.size() == 1);
    ram.put_text(Ram::kBase + 0x5000, "of the guest");
    std::string seen(12, '\0');
    REQUIRE(::pread(message.files[0].get(), seen.data(), seen.size(), 0x5000) == 12);
    CHECK(seen == "of the guest");
}

TEST_CASE_FIXTURE(Fixture, "the eventfds of a ring are the caller's")
{
    FakeBackend backend;
    VhostUser front = connect(backend);
    start(front);
    const std::uint64_t one = 1;
    REQUIRE(::write(backend.message(Request::SetVringCall).files.at(0).get(), &one, 8) == 8);
    CHECK(call.drain() == 1);
    kick.signal();
    std::uint64_t count = 0;
    REQUIRE(::read(backend.message(Request::SetVringKick).files.at(0).get(), &count, 8) == 8);
    CHECK(count == 1);
}

TEST_CASE_FIXTURE(Fixture, "rings are stopped one by one, and can be started again")
{
    FakeBackend backend;
    VhostUser front = connect(backend);
    front.stop();
    CHECK(backend.count(Request::GetVringBase) == 0);
    start(front);
    front.stop();
    CHECK(backend.count(Request::GetVringBase) == 2);
    CHECK(backend.message(Request::GetVringBase, 1).as<VringState>().index == 1);
    front.stop();
    CHECK(backend.count(Request::GetVringBase) == 2);
    start(front);
    front.stop();
    CHECK(backend.count(Request::GetVringBase) == 4);
    CHECK(front.is_alive());
}

TEST_CASE_FIXTURE(Fixture, "a back-end of the first kind, without protocol features, is served")
{
    FakeBackend backend(FakeBackend::Options{.features = FakeBackend::kFeatures &
                                                         ~feature_flag(kFeatureProtocolFeatures)});
    VhostUser front = connect(backend);
    start(front);
    front.stop();
    CHECK(backend.count(Request::GetProtocolFeatures) == 0);
    CHECK(backend.count(Request::SetVringEnable) == 0);
    CHECK(backend.count(Request::GetVringBase) == 2);
}

TEST_CASE("a back-end that knows no virtio 1 is refused")
{
    FakeBackend backend(FakeBackend::Options{.features = feature_flag(kFeatureEventIdx)});
    CHECK(trouble_of([&] { (void)connect(backend); }) ==
          "the server knows no virtio 1 (VIRTIO_F_VERSION_1)");
}

TEST_CASE_FIXTURE(Fixture, "a wrong answer, whenever, ends the connection and says so")
{
    for (const Request at : kAnswered)
        for (const Wrong& wrong : kWrongs) {
            CAPTURE(static_cast<std::uint32_t>(at));
            CAPTURE(&wrong - kWrongs.data());
            FakeBackend backend(FakeBackend::Options{
                .trick = [&wrong, at](const VhostMessage& message, int socket) {
                    if (message.request() == at)
                        wrong.act(message.header, socket);
                    return message.request() == at;
                }});
            std::optional<VhostUser> front;
            const auto said = trouble_of([&] {
                front.emplace(connect(backend));
                start(*front);
                front->stop();
            });
            CHECK(said.find(wrong.said) != std::string::npos);
            CHECK(said.starts_with("the server "));
            if (!front)
                continue;
            CHECK_FALSE(front->is_alive());
            CHECK(front->trouble() == said);
            CHECK(trouble_of([&] { start(*front); }) == said);
            CHECK(trouble_of([&] { front->stop(); }) == "none");
        }
}

TEST_CASE_FIXTURE(Fixture, "a back-end that says no is heard")
{
    FakeBackend backend(FakeBackend::Options{.trick = [](const VhostMessage& message, int socket) {
        const bool here = message.request() == Request::SetMemTable;
        if (here)
            say(socket, {message.header.request, 5, 8}, 1, 20);
        return here;
    }});
    VhostUser front = connect(backend);
    CHECK(trouble_of([&] { start(front); }) == "the server refuses request 5");
}

TEST_CASE("nobody waits for ever for a back-end that is silent")
{
    FakeBackend backend(
        FakeBackend::Options{.trick = [](const VhostMessage&, int) { return true; }});
    CHECK(trouble_of([&] { (void)connect(backend, std::chrono::milliseconds{10}); }) ==
          "the server has not answered for 10 ms");
}

TEST_CASE_FIXTURE(Fixture, "the end of a back-end is seen, and so is what nobody has asked for")
{
    FakeBackend backend;
    VhostUser front = connect(backend);
    CHECK(front.is_alive());
    backend.end();
    CHECK_FALSE(front.is_alive());
    CHECK(front.trouble() == "the server has ended");

    FakeBackend talkative;
    VhostUser other = connect(talkative);
    talkative.say(bytes_of(std::uint64_t{0}));
    CHECK_FALSE(other.is_alive());
    CHECK(other.trouble() == "the server says what nobody has asked for");
}

TEST_CASE_FIXTURE(Fixture, "rings where the back-end has no memory are no reason for its end")
{
    FakeBackend backend;
    VhostUser front = connect(backend);
    CHECK(trouble_of([&] { front.start(0, ram.memory(), std::array{vring(0, Ram::kReadOnly)}); }) ==
          "a queue lies in memory that the server cannot have");
    CHECK(backend.count(Request::SetVringAddr) == 0);
    CHECK(front.is_alive());
    CHECK(front.trouble().empty());
}

TEST_CASE_FIXTURE(Fixture, "more regions than the protocol has are refused")
{
    std::vector<DmaWindow> windows;
    for (std::uint64_t i = 0; i <= kMaxRegions; ++i)
        windows.push_back({.base = Gpa{kRing + (i << 20)},
                           .host = std::span(ram.at(kRing), 0x1000),
                           .fd = ram.memory().windows()[0].fd});
    FakeBackend backend;
    VhostUser front = connect(backend);
    CHECK(trouble_of([&] { front.start(0, DmaMemory(windows), {}); }).find("more than 8") !=
          std::string::npos);
    windows.pop_back();
    front.start(0, DmaMemory(windows), {});
    CHECK(backend.message(Request::SetMemTable).files.size() == kMaxRegions);
}

}  // namespace gh::virtio
