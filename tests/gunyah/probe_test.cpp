// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "gunyah/abi.h"
#include "script_file.h"

#include <initializer_list>
#include <utility>

#include <doctest/doctest.h>

namespace gh::gunyah {
namespace {

using Answers = std::initializer_list<std::pair<std::uint32_t, int>>;

Generation probed(const Answers& answers)
{
    Script script;
    for (const auto& [request, error] : answers)
        script.say(request, {error});
    ScriptFile device(script, "device");
    ScriptFile vm(script, "vm");
    return probe_abi(device, vm).generation;
}

}  // namespace

TEST_CASE("a kernel that takes back a region it never had is v10")
{
    Script script;
    script.on(GH_VM_SET_USER_MEM_REGION, [](std::uintptr_t p) { return p == 0 ? EFAULT : 0; });
    ScriptFile file(script, "vm");
    CHECK(probe_abi(file, file).generation == Generation::V10);
}

TEST_CASE("v11 loses absent functions in silence, v12 misses them")
{
    const auto refuses = std::pair{GH_VM_SET_USER_MEM_REGION, EINVAL};
    CHECK(probed({refuses, {GH_VM_REMOVE_FUNCTION, 0}}) == Generation::V11);
    CHECK(probed({refuses, {GH_VM_REMOVE_FUNCTION, ENOENT}}) == Generation::V12);
}

TEST_CASE("a kernel without memory extents is still recognised")
{
    CHECK(probed({{GH_VM_SET_USER_MEM_REGION, EOPNOTSUPP}, {GH_VM_REMOVE_FUNCTION, 0}}) ==
          Generation::V11);
}

TEST_CASE("lending by its own request is Android; the boot context parts 14 from 15")
{
    const auto region = std::pair{GH_VM_SET_USER_MEM_REGION, EFAULT};
    const auto lend = std::pair{GH_VM_ANDROID_LEND_USER_MEM, EFAULT};
    const auto boot = std::pair{GUNYAH_VM_SET_BOOT_CONTEXT, EFAULT};
    CHECK(probed({region, lend}) == Generation::Android14);
    CHECK(probed({region, lend, {GH_ANDROID_TENTATIVE_UAPI, 0}}) == Generation::Android14Early);
    CHECK(probed({region, lend, boot}) == Generation::Android15);
    CHECK(probed({region, lend, boot, {GUNYAH_VM_RECLAIM_REGION, EFAULT}}) ==
          Generation::Android15);
    CHECK(probed({region, lend, boot, {GUNYAH_VM_MAP_CMA_MEM, EFAULT}}) == Generation::Android16);
    CHECK(probed({region, lend, boot, {GUNYAH_CHECK_EXTENSION, 0}}) == Generation::Android16);
}

TEST_CASE("guest memory made by the driver is v15 to v17")
{
    CHECK(probed({{GUNYAH_CREATE_GUEST_MEM, EFAULT}}) == Generation::V15);
}

TEST_CASE("a device that takes memory by no known request is refused in words")
{
    CHECK_THROWS_AS((void)probed({}), Error);
}

TEST_CASE("probing gives no memory and adds no function")
{
    Script script = android15();
    ScriptFile file(script, "vm");
    (void)probe_abi(file, file);
    CHECK(script.count(GH_VM_ADD_FUNCTION) == 0);
    CHECK(script.count(GH_VM_START) == 0);
    CHECK(script.count(GH_CREATE_VM) == 0);
}

TEST_CASE("only where guest addresses are honoured may RAM be given in pieces")
{
    for (const Abi& abi : kAbis)
        CHECK((abi.max_chunk != 0) == abi.honours_addresses);
}

}  // namespace gh::gunyah
