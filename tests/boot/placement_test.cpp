// SPDX-License-Identifier: BSD-3-Clause
#include "boot/placement.h"

#include "base/error.h"

#include <doctest/doctest.h>

using namespace gh;
using namespace gh::boot;

namespace {

constexpr Gpa kBase{0x8000'0000};
constexpr std::uint64_t kMiB = 1 << 20;

KernelExtent kernel_at(std::uint64_t offset, std::uint64_t size)
{
    return {{kBase + offset, size}, kBase + offset};
}

bool disjoint(const Placement& p)
{
    return !p.kernel.meets(p.dtb) &&
           (!p.initrd || (!p.initrd->meets(p.kernel) && !p.initrd->meets(p.dtb)));
}

}  // namespace

TEST_CASE("the usual kernel starts where the VM does")
{
    const auto placement = place({kBase, 128 * kMiB}, kernel_at(0, 33 * kMiB), 40 * kMiB);
    CHECK(placement.entry_by == EntryBy::Start);
    CHECK(placement.dtb.at == kBase + 34 * kMiB);
    CHECK(placement.initrd->at == kBase + 36 * kMiB);
    CHECK(disjoint(placement));
}

TEST_CASE("a kernel away from the start is reached by a branch")
{
    auto placement = place({kBase, 128 * kMiB}, kernel_at(0x8'0000, 8 * kMiB), {});
    CHECK(placement.entry_by == EntryBy::Branch);
    const std::array expected{std::byte{0x00}, std::byte{0x00}, std::byte{0x02}, std::byte{0x14}};
    CHECK(branch_to_entry(placement) == expected);  // b .+0x80000
}

TEST_CASE("out of a branch's reach only a boot context helps")
{
    const Extent ram{kBase, 1024 * kMiB};
    CHECK(place(ram, kernel_at(128 * kMiB - 4, 8), {}).entry_by == EntryBy::Branch);
    CHECK(place(ram, kernel_at(128 * kMiB, 8), {}).entry_by == EntryBy::Context);
    KernelExtent inside = kernel_at(0, kMiB);
    inside.entry = kBase + 64;
    CHECK(place(ram, inside, {}).entry_by == EntryBy::Context);
}

TEST_CASE("a kernel at the end of RAM leaves its room below")
{
    const auto placement = place({kBase, 16 * kMiB}, kernel_at(12 * kMiB, 4 * kMiB), kMiB);
    CHECK(placement.dtb.at == kBase + 2 * kMiB);
    CHECK(placement.initrd->at == kBase + 4 * kMiB);
    CHECK(disjoint(placement));
}

TEST_CASE("RAM that just suffices is enough, a page less is not")
{
    const std::uint64_t initrd = 3 * kMiB;
    CHECK(place({kBase, 7 * kMiB}, kernel_at(0, 2 * kMiB), initrd).initrd->end() ==
          kBase + 7 * kMiB);
    CHECK_THROWS_WITH_AS((void)place({kBase, 7 * kMiB - 4096}, kernel_at(0, 2 * kMiB), initrd),
                         doctest::Contains("no room for the initrd of 3145728 bytes"), Error);
    CHECK_THROWS_WITH_AS((void)place({kBase, 3 * kMiB}, kernel_at(0, 2 * kMiB), {}),
                         doctest::Contains("no room for the devicetree"), Error);
}
