// SPDX-License-Identifier: BSD-3-Clause
#include "base/bits.h"
#include "fdt/vm_config.h"
#include "memory/hex.h"

#include <algorithm>
#include <utility>

namespace gh::fdt {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kBlock = 0x20'0000;
constexpr std::uint64_t kWindowEnd = 0x4000'0000;  // MMIO that the owner emulates lies below
constexpr std::uint64_t kGicdSize = 0x1'0000;

// The overlay (gunyah-guest-abi 1.9 and golden rows bells-*, *-slack*): at most four pages, in a
// heap buffer for small trees, else in the tail of the devicetree's own region.
constexpr std::uint64_t kOverlayLimit = 0x4000;
constexpr std::uint64_t kOverlayBase = 640;
constexpr std::uint64_t kOverlayPerDoorbell = 152;
constexpr std::uint64_t kOverlayPerQueue = 480;  // a pair; golden vdev-rpc grows by 466
constexpr std::uint64_t kOverlayPerShm = 400;
constexpr std::uint64_t kHeapRoom = 0x2000;  // seen: 2.2 KiB fits, 13.2 KiB does not

struct Range {
    std::uint64_t base = 0;
    std::uint64_t size = 0;

    [[nodiscard]] bool meets(const Range& other) const
    {
        return base < other.base ? other.base - base < size : base - other.base < other.size;
    }
};

/// The VM's address space while VM_START fills it.
class Placer {
public:
    Placer(const VmConfigTree& tree, const std::vector<Parcel>& parcels)
        : tree_(tree), parcels_(parcels)
    {
        out_.at.resize(parcels.size());
        done_.resize(parcels.size());
        taken_.push_back({0, kWindowEnd});
        taken_.push_back({kWindowEnd, kPage});  // the RM's info page
        taken_.push_back({tree.gic.distributor, kGicdSize});
        taken_.push_back({tree.gic.redistributors, tree.gic.stride * tree.cpus.size()});
    }

    ParcelLayout place()
    {
        for (std::size_t i = 0; i < parcels_.size(); i++)
            if (parcels_[i].image)
                place_image(i);
        for (const auto& shm : tree_.shms)
            place_shm(shm);
        for (std::size_t i = 0; i < parcels_.size(); i++)
            if (!done_[i])
                place_anywhere(i);
        check_reserved();
        check_overlay();
        return std::move(out_);
    }

private:
    void refuse(RmError error, std::string rule, std::string path, const std::string& reason)
    {
        out_.findings.push_back(
            refused(Phase::Start, error, std::move(rule), std::move(path), reason));
    }

    [[nodiscard]] bool is_free(const Range& range) const
    {
        if (range.base >= kAddressLimit || range.size > kAddressLimit - range.base)
            return false;
        return std::none_of(taken_.begin(), taken_.end(),
                            [&](const Range& other) { return range.meets(other); });
    }

    void take(std::size_t index, std::uint64_t base)
    {
        out_.at[index] = base;
        done_[index] = true;
        taken_.push_back({base, parcels_[index].size});
    }

    void place_image(std::size_t index)
    {
        const Range range{tree_.base_address, parcels_[index].size};
        if (!is_free(range))
            refuse(RmError::NoResource, "base-address", "/gunyah-vm-config/memory",
                   "the image's " + hex(range.size) + " bytes at " + hex(range.base) +
                       " are not free: below 0x40001000, over the GIC, or beyond 1 << 36");
        take(index, range.base);
    }

    void place_shm(const ShmNode& shm)
    {
        const auto it = std::find_if(parcels_.begin(), parcels_.end(), [&](const Parcel& parcel) {
            return !parcel.image && parcel.label == shm.memory_label;
        });
        if (it == parcels_.end()) {
            if (!shm.optional)
                refuse(RmError::NoResource, "shm-parcel", shm.path,
                       "no memory with label " + std::to_string(shm.memory_label) +
                           " is given and the node is not optional");
            return;
        }
        const auto index = static_cast<std::size_t>(it - parcels_.begin());
        const std::uint64_t base = shm.base.value_or(first_free(it->size));
        if (!is_free({base, it->size}))
            refuse(RmError::NoResource, "shm-base", shm.path,
                   "the range " + hex(base) + " + " + hex(it->size) + " is not free");
        take(index, base);
    }

    [[nodiscard]] std::uint64_t first_free(std::uint64_t size) const
    {
        const std::uint64_t alignment = is_aligned(size, kBlock) ? kBlock : kPage;
        std::uint64_t base = align_up(kWindowEnd + kPage, alignment);
        for (bool moved = true; moved;) {
            moved = false;
            for (const auto& other : taken_)
                if (Range{base, size}.meets(other)) {
                    base = align_up(other.base + other.size, alignment);
                    moved = true;
                }
        }
        return base;
    }

    void place_anywhere(std::size_t index)
    {
        const Parcel& parcel = parcels_[index];
        if (parcel.lent && parcel.label == 0)
            refuse(RmError::Denied, "second-private", "/gunyah-vm-config/memory",
                   "a second lent region with label 0 goes behind the image and is then denied");
        take(index, first_free(parcel.size));
        out_.findings.push_back(
            {Finding::Kind::Odd, Phase::Start, RmError::NoResource, "parcel-without-shm",
             "/gunyah-vm-config/vdevices",
             "no shm vdevice has the label " + std::to_string(parcel.label) +
                 " of a memory region: Resource Managers that ignore guest addresses map it at " +
                 hex(out_.at[index])});
    }

    void check_reserved()
    {
        for (const auto& reserved : tree_.reserved) {
            const bool known = !reserved.base || matches_parcel(reserved);
            if (!known)
                refuse(RmError::NoResource, "reserved-memory", reserved.path,
                       "its reg is no memory region given to the VM (by label or exact range)");
        }
    }

    [[nodiscard]] bool matches_parcel(const ReservedMemory& reserved) const
    {
        for (std::size_t i = 0; i < parcels_.size(); i++) {
            if (parcels_[i].image)
                continue;
            if (reserved.label == parcels_[i].label)
                return true;
            if (reserved.base == out_.at[i] && reserved.size == parcels_[i].size)
                return true;
        }
        return false;
    }

    void check_overlay()
    {
        const std::uint64_t queues = tree_.queues.size() + (tree_.rpc ? 1 : 0);
        const std::uint64_t overlay = kOverlayBase + kOverlayPerDoorbell * tree_.doorbells.size() +
                                      kOverlayPerQueue * queues +
                                      kOverlayPerShm * tree_.shms.size();
        if (overlay > kOverlayLimit)
            return refuse(RmError::NoResource, "overlay-size", "/gunyah-vm-config/vdevices",
                          std::to_string(tree_.doorbells.size() + queues) +
                              " doorbells and queues do not fit into the overlay of 16 KiB (103 "
                              "doorbells do)");
        const std::uint64_t needed = align_up(tree_.total_size, 4) + overlay;
        if (tree_.region_size == 0 || needed <= std::min(kHeapRoom, tree_.region_size))
            return;
        if (tree_.region_size < 2 * needed)
            refuse(RmError::NoResource, "dtb-room", "/",
                   "the devicetree's region of " + hex(tree_.region_size) +
                       " bytes is too small: it must hold twice the tree and the overlay, " +
                       hex(2 * needed));
    }

    const VmConfigTree& tree_;
    const std::vector<Parcel>& parcels_;
    std::vector<Range> taken_;
    std::vector<bool> done_;
    ParcelLayout out_;
};

}  // namespace

const Finding* ParcelLayout::refusal() const
{
    return first_refusal(findings);
}

ParcelLayout place_parcels(const VmConfigTree& tree, const std::vector<Parcel>& parcels)
{
    return Placer(tree, parcels).place();
}

}  // namespace gh::fdt
