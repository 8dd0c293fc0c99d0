// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/inspect.h"

#include "script_file.h"

#include <algorithm>
#include <string_view>

#include <doctest/doctest.h>

namespace gh::gunyah {
namespace {

Inspection inspected(Script& script)
{
    ScriptFile device(script, "device");
    return inspect(device);
}

bool has(const Inspection& found, std::string_view name)
{
    const auto it = std::find_if(found.features.begin(), found.features.end(),
                                 [&](const Feature& feature) { return feature.name == name; });
    REQUIRE(it != found.features.end());
    return it->present;
}

}  // namespace

TEST_CASE("a device says its generation and which requests it knows")
{
    Script script = android15();
    script.say(GUNYAH_VM_RECLAIM_REGION, {EFAULT});
    const auto found = inspected(script);
    REQUIRE(found.abi != nullptr);
    CHECK(found.abi->generation == Generation::Android15);
    CHECK(has(found, "lent memory"));
    CHECK(has(found, "boot registers"));
    CHECK(has(found, "memory reclaim"));
    CHECK_FALSE(has(found, "guest memory files"));
    CHECK_FALSE(has(found, "authentication types"));
    CHECK(found.obstacles.empty());
}

TEST_CASE("inspecting makes one VM, gives it nothing and closes it")
{
    Script script = android15();
    (void)inspected(script);
    CHECK(script.count(GH_CREATE_VM) == 1);
    CHECK(script.count(GH_VM_START) == 0);
    CHECK(script.count(GH_VM_ADD_FUNCTION) == 0);
    CHECK(script.closed == std::vector<std::string>{"vm", "device"});
}

TEST_CASE(
    "the vendor's driver is known by EINVAL for what it does not know, and no VM is made of it")
{
    Script script;
    script.say(GH_CREATE_VM, {EINVAL});
    script.say(0x47ff, {EINVAL});
    const auto found = inspected(script);
    CHECK(found.vendor);
    CHECK(found.abi == nullptr);
    REQUIRE(found.obstacles.size() == 1);
    CHECK(found.obstacles[0].fatal);
    CHECK(found.obstacles[0].what.find("0xB2") != std::string::npos);
    CHECK(script.count(0xb201) == 0);
}

TEST_CASE("a file that is no Gunyah device, and a device without VM numbers, say so")
{
    Script nothing;
    const auto other = inspected(nothing);
    CHECK_FALSE(other.vendor);
    CHECK(other.obstacles.at(0).what.find("no Gunyah device") != std::string::npos);
    Script full;
    full.say(GH_CREATE_VM, {ENODEV});
    CHECK(inspected(full).obstacles.at(0).what.find("no VM number left") != std::string::npos);
}

TEST_CASE("a device whose requests fit no generation is an obstacle, not an error")
{
    Script script;
    script.say(GH_CREATE_VM, {0});
    const auto found = inspected(script);
    CHECK(found.abi == nullptr);
    CHECK(found.obstacles.at(0).fatal);
}

TEST_CASE("v10 lends by a flag of its one memory request")
{
    Script script;
    script.say(GH_CREATE_VM, {0});
    script.on(GH_VM_SET_USER_MEM_REGION, [](std::uintptr_t p) { return p == 0 ? EFAULT : 0; });
    CHECK(has(inspected(script), "lent memory"));
}

}  // namespace gh::gunyah
