// SPDX-License-Identifier: BSD-3-Clause
#include "config/network.h"

#include "text.h"

#include <doctest/doctest.h>

using namespace gh::config;

namespace {

constexpr const char* kNone = "0 complaints";

Net card_of(const std::string& value)
{
    return parse_members(R"("net": )" + value).net.at(0);
}

std::string card_complaint(const std::string& value)
{
    return complaint_of(R"("net": )" + value);
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a card's type follows from what it names")
{
    CHECK(card_of(R"("user")").type == NetType::User);
    CHECK(card_of("{}").type == NetType::User);
    CHECK(card_of(R"({"tap": "tap0"})").type == NetType::Tap);
    CHECK(card_of(R"({"fd": 5})").type == NetType::Fd);
}

TEST_CASE("a card's address follows from the VM's name and its place, and is locally administered")
{
    const auto vm = parse_members(R"("name": "a", "net": ["user", "user"])");
    const auto again = parse_members(R"("name": "a", "net": "user")");
    const auto other = parse_members(R"("name": "b", "net": "user")");
    CHECK(vm.net.at(0).mac == again.net.at(0).mac);
    CHECK(vm.net.at(0).mac != vm.net.at(1).mac);
    CHECK(vm.net.at(0).mac != other.net.at(0).mac);
    CHECK(vm.net.at(0).mac.substr(0, 3) == "02:");
    CHECK(is_card_address(vm.net.at(0).mac));
    CHECK(card_of(R"({"mac": "52:54:00:AB:cd:ef"})").mac == "52:54:00:ab:cd:ef");
}

TEST_CASE("an address of a card has six pairs and is not a group's")
{
    CHECK(is_card_address("02:00:5e:10:00:ff"));
    CHECK_FALSE(is_card_address("03:00:5e:10:00:ff"));
    CHECK_FALSE(is_card_address("02-00-5e-10-00-ff"));
    CHECK_FALSE(is_card_address("02:00:5e:10:00:f"));
    CHECK_FALSE(is_card_address(""));
    CHECK(contains(card_complaint(R"({"mac": "01:00:00:00:00:00"})"), "net.0.mac: got"));
    CHECK(
        contains(card_complaint(R"([{"mac": "02:00:00:00:00:01"}, {"mac": "02:00:00:00:00:01"}])"),
                 "net.1.mac: got \"02:00:00:00:00:01\"; expected an address of its own"));
}

TEST_CASE(
    "a forward leads to the same port of the guest, from this host alone, unless it says more")
{
    const auto card = card_of(R"({"forward": [8080,
        {"host": 2222, "guest": 22, "address": "0.0.0.0"}, {"host": 53, "proto": "udp"}]})");
    REQUIRE(card.forward.size() == 3);
    CHECK(card.forward[0].host == 8080);
    CHECK(card.forward[0].guest == 8080);
    CHECK(card.forward[0].address == "127.0.0.1");
    CHECK(card.forward[1].guest == 22);
    CHECK(card.forward[2].proto == Protocol::Udp);
    CHECK(contains(card_complaint(R"({"forward": [{"host": 1, "address": "localhost"}]})"),
                   "net.0.forward.0.address: got \"localhost\"; expected an IPv4 or IPv6 address"));
    CHECK(card_complaint(R"({"forward": [{"host": 1, "address": "::1"}]})") == kNone);
}

TEST_CASE("what belongs to another type of card is refused")
{
    CHECK(contains(card_complaint(R"({"tap": "t", "fd": 3})"), "\"fd\""));
    CHECK(contains(card_complaint(R"({"type": "tap"})"), "expected a tap's name"));
    CHECK(contains(card_complaint(R"({"type": "fd"})"), "expected a descriptor"));
    CHECK(contains(card_complaint(R"({"tap": "t", "forward": 80})"),
                   "net.0.forward: got forwards; expected them with type user alone"));
    CHECK(contains(card_complaint(R"([{"tap": "t"}, {"tap": "t"}])"), "of its own"));
    CHECK(contains(complaint_of(R"("network": "user")"), "did you mean \"net\"?"));
}

TEST_CASE("a card of a VM whose RAM is lent wants a bounce buffer")
{
    CHECK(contains(complaint_of(R"("memory": {"sharing": "lend"}, "net": "user")"),
                   "got cards, but no way for data"));
    CHECK(complaint_of(R"("memory": {"sharing": "lend", "swiotlb": "16MiB"}, "net": "user")") ==
          kNone);
}
