// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/address_check.h"

#include "memory/hex.h"

#include <algorithm>
#include <array>

namespace gh::rm {
namespace {

constexpr std::uint64_t kWindowEnd = 0x4000'0000;  // below: MMIO that the owner answers
constexpr std::uint64_t kInfoPageSize = 0x1000;    // the Resource Manager's own, at kWindowEnd
constexpr std::uint64_t kGicdSize = 0x1'0000;

struct Range {
    std::uint64_t base = 0;
    std::uint64_t size = 0;
};

bool meet(const Range& a, const Range& b)
{
    return a.base < b.base ? b.base - a.base < a.size : a.base - b.base < b.size;
}

std::string text(const Parcel& parcel)
{
    return hex(raw(parcel.at)) + " + " + hex(parcel.size);
}

std::optional<Refusal> check_parcel(const fdt::VmConfigTree& tree, const Parcel& parcel, bool image)
{
    const Range range{raw(parcel.at), parcel.size};
    const std::array<Range, 2> gic{
        Range{tree.gic.distributor, kGicdSize},
        Range{tree.gic.redistributors, tree.gic.stride * tree.cpus.size()}};
    if (range.base >= fdt::kAddressLimit || range.size > fdt::kAddressLimit - range.base)
        return Refusal{Error::ArgumentInvalid,
                       "memory at " + text(parcel) + " ends beyond the 36-bit address space"};
    if (meet(range, gic[0]) || meet(range, gic[1]))
        return Refusal{Error::NoResource, "memory at " + text(parcel) +
                                              " covers the GIC, which keeps its addresses; move "
                                              "the one or the other"};
    if (image && range.base < kWindowEnd + kInfoPageSize)
        return Refusal{Error::NoResource,
                       "the region with the devicetree at " + text(parcel) +
                           " lies in the MMIO window or over the info page; use an address of "
                           "0x40001000 or more (0x80000000 is usual)"};
    return std::nullopt;
}

/// A shm's base must be free even where parcels keep the addresses their owner gave them: nothing
/// could ever be mapped there (golden shm-low, shm-inram).
std::optional<Refusal> check_shm(const fdt::ShmNode& shm, const ImageConfig& config)
{
    const Parcel* const parcel = find_parcel(shm, config);
    if (!shm.optional && parcel == nullptr)
        return Refusal{Error::NoResource, shm.path + ": no memory with label " +
                                              std::to_string(shm.memory_label) +
                                              " was given at its base; give it, or mark the node "
                                              "optional"};
    const auto of_label = [&](const Parcel& it) { return it.label == shm.memory_label; };
    const auto meant = std::find_if(config.parcels.begin(), config.parcels.end(), of_label);
    if (parcel != nullptr || !shm.base || meant == config.parcels.end())
        return std::nullopt;
    const Range range{*shm.base, meant->size};
    const bool in_memory =
        std::any_of(config.parcels.begin(), config.parcels.end(), [&](const Parcel& it) {
            return meet(range, {raw(it.at), it.size});
        });
    if (range.base >= kWindowEnd && !in_memory)
        return std::nullopt;
    return Refusal{Error::NoResource, shm.path + ": its base " + hex(range.base) +
                                          " lies in the MMIO window or over other memory"};
}

/// base-address and the room for the overlay, by the rules that do not depend on where parcels go.
std::optional<Refusal> check_layout(const fdt::VmConfigTree& tree, const ImageConfig& config)
{
    fdt::VmConfigTree bare = tree;
    bare.reserved.clear();
    for (auto& shm : bare.shms)
        shm.optional = true;
    const Parcel& image = config.parcels[config.image];
    const auto layout = fdt::place_parcels(bare, {{image.label, image.size, true, image.lent}});
    const fdt::Finding* refusal = layout.refusal();
    if (refusal == nullptr)
        return std::nullopt;
    return Refusal{static_cast<Error>(refusal->error), refusal->path + ": " + refusal->message};
}

}  // namespace

const Parcel* find_parcel(const fdt::ReservedMemory& node, const ImageConfig& config)
{
    for (std::size_t i = 0; i < config.parcels.size(); ++i) {
        const Parcel& parcel = config.parcels[i];
        const bool here = node.base == raw(parcel.at);
        const bool labelled = node.label == parcel.label && (!node.base || here);
        if (i != config.image && (labelled || (here && node.size == parcel.size)))
            return &parcel;
    }
    return nullptr;
}

const Parcel* find_parcel(const fdt::ShmNode& node, const ImageConfig& config)
{
    for (std::size_t i = 0; i < config.parcels.size(); ++i) {
        const Parcel& parcel = config.parcels[i];
        const bool here = !node.base || *node.base == raw(parcel.at);
        if (i != config.image && node.memory_label == parcel.label && here)
            return &parcel;
    }
    return nullptr;
}

std::optional<Refusal> check_addresses(const fdt::VmConfigTree& tree, const ImageConfig& config)
{
    if (auto refusal = check_layout(tree, config))
        return refusal;
    for (std::size_t i = 0; i < config.parcels.size(); ++i)
        if (auto refusal = check_parcel(tree, config.parcels[i], i == config.image))
            return refusal;
    for (const fdt::ShmNode& shm : tree.shms)
        if (auto refusal = check_shm(shm, config))
            return refusal;
    for (const fdt::ReservedMemory& reserved : tree.reserved)
        if (reserved.base && find_parcel(reserved, config) == nullptr)
            return Refusal{Error::NoResource,
                           reserved.path +
                               ": its reg is no memory region given to the VM; give a region of "
                               "exactly that range, or ask by size alone"};
    return std::nullopt;
}

}  // namespace gh::rm
