// SPDX-License-Identifier: BSD-3-Clause
#include "boot/placement.h"

#include "base/bits.h"
#include "base/error.h"
#include "memory/hex.h"

#include <vector>

namespace gh::boot {
namespace {

constexpr std::uint64_t kBlock = 0x20'0000;
constexpr std::uint64_t kBranchReach = 128ull << 20;
constexpr std::uint64_t kInitrdWindow = 32ull << 30;

/// Fills RAM upwards from the kernel's end; a kernel far up leaves its room below.
class Filler {
public:
    Filler(const Extent& ram, const Extent& kernel) : ram_(ram), kernel_(kernel)
    {
        taken_.push_back(kernel);
    }

    Extent take(const char* what, std::uint64_t size)
    {
        for (const Gpa from : {kernel_.end(), ram_.at + kBlock})
            if (const auto extent = fit(from, size)) {
                taken_.push_back(*extent);
                return *extent;
            }
        throw Error(std::string("no room for the ") + what + " of " + std::to_string(size) +
                    " bytes: RAM has " + std::to_string(ram_.size) + " at " + hex(raw(ram_.at)) +
                    ", the kernel takes " + std::to_string(kernel_.size) + " of it at " +
                    hex(raw(kernel_.at)) + " (memory.size enlarges RAM)");
    }

private:
    [[nodiscard]] std::optional<Extent> fit(Gpa from, std::uint64_t size) const
    {
        Extent extent{Gpa{align_up(raw(from), kBlock)}, size};
        for (bool moved = true; moved;) {
            moved = false;
            for (const auto& other : taken_)
                if (extent.meets(other)) {
                    extent.at = Gpa{align_up(raw(other.end()), kBlock)};
                    moved = true;
                }
        }
        const std::uint64_t offset = extent.at - ram_.at;
        const bool inside = offset <= ram_.size && size <= ram_.size - offset;
        return inside ? std::optional(extent) : std::nullopt;
    }

    Extent ram_;
    Extent kernel_;
    std::vector<Extent> taken_;
};

EntryBy entry_by(const Extent& ram, const KernelExtent& kernel)
{
    if (kernel.entry == ram.at)
        return EntryBy::Start;
    const bool room = kernel.memory.at - ram.at >= 4;
    const bool reachable = kernel.entry - ram.at < kBranchReach && is_aligned(raw(kernel.entry), 4);
    return room && reachable ? EntryBy::Branch : EntryBy::Context;
}

}  // namespace

Placement place(const Extent& ram, const KernelExtent& kernel,
                std::optional<std::uint64_t> initrd_size)
{
    Placement placement;
    placement.ram = ram;
    placement.kernel = kernel.memory;
    placement.entry = kernel.entry;
    placement.entry_by = entry_by(ram, kernel);
    Filler filler(ram, kernel.memory);
    placement.dtb = filler.take("devicetree", kDtbRegion);
    if (initrd_size)
        placement.initrd = filler.take("initrd", *initrd_size);
    if (placement.initrd && placement.initrd->end() - ram.at > kInitrdWindow)
        throw Error(
            "the initrd ends more than 32 GiB above the start of RAM, out of the kernel's reach");
    return placement;
}

std::array<std::byte, 4> branch_to_entry(const Placement& placement)
{
    constexpr std::uint32_t kB = 0x1400'0000;
    const auto words = static_cast<std::uint32_t>((placement.entry - placement.ram.at) / 4);
    const std::uint32_t instruction = kB | words;
    std::array<std::byte, 4> bytes{};
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = static_cast<std::byte>(instruction >> (8 * i) & 0xff);
    return bytes;
}

}  // namespace gh::boot
