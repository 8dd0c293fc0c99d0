// SPDX-License-Identifier: BSD-3-Clause
#include "config/setting.h"

#include "text.h"

#include <doctest/doctest.h>

using namespace gh::config;

TEST_CASE("a setting is stronger than the file")
{
    const Vm vm = parse_members(R"("cpus": 1, "memory": {"size": "1GiB", "swiotlb": "2MiB"})",
                                {"memory.size=2GiB", "cpus=4", "name=x", "cpus=5"});
    CHECK(vm.memory.size == 2ull << 30);
    CHECK(vm.memory.swiotlb == 2u << 20);
    CHECK(vm.cpus.count == 5);
    CHECK(vm.name == "x");
}

TEST_CASE("a setting goes through short forms")
{
    const Vm vm = parse_members(R"("memory": "1GiB", "serial": "stdio")",
                                {"memory.base=0x90000000", "serial.1.type=null", "kernel.path=z"});
    CHECK(vm.memory.size == 1ull << 30);
    CHECK(vm.memory.base == 0x9000'0000);
    CHECK(vm.serial.at(1).type == SerialType::Null);
    CHECK(vm.kernel.path == "/vm/z");
}

TEST_CASE("a setting's value is JSON, or a text without quotes")
{
    CHECK(parse_members(R"("cpus": 1)", {"params=[\"a\", \"b=c\"]"}).params.size() == 2);
    CHECK(parse_members(R"("cpus": 1)", {"params=root=/dev/vda"}).params.at(0) == "root=/dev/vda");
    CHECK(parse_members(R"("cpus": 1)", {"name=7"}).name == "7");
    CHECK(parse_members(R"("cpus": 1)", {"name=\"7\""}).name == "7");
    CHECK(parse_members(R"("cpus": 1)", {"serial=null"}).serial.at(0).type == SerialType::Null);
}

TEST_CASE("elements are named by number, the next one is new")
{
    const Vm vm = parse_members(R"("params": ["a", "b"])", {"params.0=x", "params.2=y"});
    CHECK(vm.params == std::vector<std::string>{"x", "b", "y"});
    CHECK(complaint_of(R"("params": ["a"])", {"params.3=y"}) ==
          "--set params.3=y: params.3: got \"3\" in the path; expected a number from 0 to 1");
}

TEST_CASE("an empty value takes the key away")
{
    CHECK(!parse_members(R"("initrd": "x")", {"initrd="}).initrd);
    CHECK(parse_members(R"("memory": {"base": "0x90000000"})", {"memory.base="}).memory.base ==
          0x8000'0000);
}

TEST_CASE("a setting without key or value is refused")
{
    for (const auto* setting : {"memory", "=1", ""})
        CHECK(complaint_of(R"("cpus": 1)", {setting}).find("expected KEY=VALUE") !=
              std::string::npos);
    CHECK(complaint_of(R"("cpus": 1)", {"name.x.y=1"}) != "0 complaints");
    CHECK(complaint_of(R"("cpus": 1)", {"..=1"}) != "0 complaints");
}
