// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/overlay.h"

#include "base/error.h"
#include "emulator/rm/address_check.h"
#include "emulator/rm/capabilities.h"
#include "emulator/rm/device_nodes.h"
#include "fdt/node.h"
#include "fdt/tree.h"
#include "fdt/view.h"
#include "memory/hex.h"

#include <algorithm>
#include <string>
#include <utility>

namespace gh::rm {
namespace {

using fdt::Offset;

constexpr std::uint32_t kHandleFirst = 0x80;  // of memory parcels
constexpr std::uint64_t kGicdSize = 0x1'0000;

/// Builds what the overlay holds. libfdt puts what is new before what is there, so everything is
/// made in the reverse of the order in which the guest sees it.
class Patcher {
public:
    Patcher(const fdt::View& from, const fdt::VmConfigTree& config_tree, const ImageConfig& config,
            std::uint16_t vmid)
        : tree_(from),
          config_tree_(config_tree),
          capabilities_(config_tree),
          config_(config),
          vmid_(vmid),
          next_phandle_(tree_.new_phandle())
    {
        address_cells_ = std::min(from.u32(from.root(), "#address-cells").value_or(2), 2u);
        size_cells_ = std::min(from.u32(from.root(), "#size-cells").value_or(1), 2u);
    }

    std::vector<std::byte> patch(std::uint64_t kaslr_seed)
    {
        tree_.set_u64s(node("/chosen"), "kaslr-seed", {kaslr_seed});
        if (config_tree_.gic.placed_by_rm)
            patch_gic();
        patch_reserved_nodes();
        patch_reserved_memory();
        patch_memory();
        patch_cpus();
        if (!tree_.view().child(tree_.root(), "vsoc"))
            add_vsoc();
        add_hypervisor();
        return tree_.pack();
    }

private:
    [[nodiscard]] Offset node(const std::string& path) const
    {
        const auto found = tree_.find(path);
        if (!found)
            throw gh::Error("there is no " + path + " to patch");
        return *found;
    }

    void append(std::vector<std::uint32_t>& cells, std::uint32_t count, std::uint64_t value) const;
    void append_range(std::vector<std::uint32_t>& cells, std::uint64_t base,
                      std::uint64_t size) const;
    void patch_gic();
    void patch_reserved_nodes();
    void patch_reserved_memory();
    void patch_memory();
    void patch_cpus();
    void add_vsoc();
    void add_hypervisor();
    void add_vm_id(Offset parent);
    void add_shm(Offset parent, const fdt::ShmNode& shm, const Parcel* parcel);
    void add_buffer(Offset parent, const Parcel& parcel);
    [[nodiscard]] std::vector<std::uint32_t> memory_reg() const;
    [[nodiscard]] bool is_buffer(const Parcel& parcel) const;
    [[nodiscard]] std::uint32_t handle(const Parcel& parcel) const;
    std::uint32_t phandle(const Parcel& parcel);

    fdt::Tree tree_;
    const fdt::VmConfigTree& config_tree_;
    Capabilities capabilities_;
    const ImageConfig& config_;
    std::uint16_t vmid_;
    std::uint32_t address_cells_ = 2;
    std::uint32_t size_cells_ = 1;
    std::uint32_t next_phandle_;
    std::vector<std::pair<const Parcel*, std::uint32_t>> phandles_;
};

void Patcher::append(std::vector<std::uint32_t>& cells, std::uint32_t count,
                     std::uint64_t value) const
{
    if (count == 2)
        cells.push_back(static_cast<std::uint32_t>(value >> 32));
    else if (count == 0 || value >> 32 != 0)
        throw gh::Error("the root's #address-cells and #size-cells cannot say " + hex(value));
    cells.push_back(static_cast<std::uint32_t>(value));
}

void Patcher::append_range(std::vector<std::uint32_t>& cells, std::uint64_t base,
                           std::uint64_t size) const
{
    append(cells, address_cells_, base);
    append(cells, size_cells_, size);
}

void Patcher::patch_gic()
{
    const fdt::GicNode& gic = config_tree_.gic;
    const Offset at = node(gic.path);
    std::vector<std::uint32_t> reg;
    append_range(reg, gic.distributor, kGicdSize);
    append_range(reg, gic.redistributors, gic.stride * config_tree_.cpus.size());
    tree_.set_texts(at, "compatible", {"arm,gic-v3"});
    tree_.set_u32(at, "#redistributor-regions", 1);
    tree_.set_u64s(at, "redistributor-stride", {gic.stride});
    tree_.set_cells(at, "reg", reg);
}

void Patcher::patch_reserved_nodes()
{
    for (const fdt::ReservedMemory& reserved : config_tree_.reserved) {
        const Parcel* parcel = reserved.base ? find_parcel(reserved, config_) : nullptr;
        if (parcel == nullptr)
            continue;
        const Offset at = node(reserved.path);
        if (const auto own = tree_.view().u32(at, "phandle"))
            phandles_.emplace_back(parcel, *own);
        tree_.set_u32(at, "qcom,rm-mem-handle", handle(*parcel));
        tree_.set_u32(at, "phandle", phandle(*parcel));
    }
}

void Patcher::patch_reserved_memory()
{
    auto at = tree_.view().child(tree_.root(), "reserved-memory");
    if (!at) {
        at = tree_.add_node(tree_.root(), "reserved-memory");
        tree_.set_u32(*at, "#address-cells", address_cells_);
        tree_.set_u32(*at, "#size-cells", size_cells_);
        tree_.set_flag(*at, "ranges");
    }
    for (const Parcel& parcel : config_.parcels)
        if (is_buffer(parcel))
            add_buffer(*at, parcel);
}

/// Memory with all rights that no node speaks of is the guest's RAM, and so is the image. The rest
/// is a buffer, and needs a node unless the owner has written one.
bool Patcher::is_buffer(const Parcel& parcel) const
{
    if (&parcel == &config_.parcels[config_.image])
        return false;
    const auto is_this = [&](const auto& entry) { return find_parcel(entry, config_) == &parcel; };
    const auto& reserved = config_tree_.reserved;
    if (std::any_of(reserved.begin(), reserved.end(),
                    [&](const auto& entry) { return entry.base && is_this(entry); }))
        return false;
    const auto& shms = config_tree_.shms;
    return parcel.rights != kAllRights || std::any_of(shms.begin(), shms.end(), is_this);
}

std::uint32_t Patcher::handle(const Parcel& parcel) const
{
    return kHandleFirst + static_cast<std::uint32_t>(&parcel - config_.parcels.data());
}

/// One per parcel, whichever node refers to it first.
std::uint32_t Patcher::phandle(const Parcel& parcel)
{
    for (const auto& [known, phandle] : phandles_)
        if (known == &parcel)
            return phandle;
    phandles_.emplace_back(&parcel, next_phandle_);
    return next_phandle_++;
}

void Patcher::add_buffer(Offset parent, const Parcel& parcel)
{
    std::vector<std::uint32_t> reg;
    append_range(reg, raw(parcel.at), parcel.size);
    const Offset at = tree_.add_node(parent, with_unit("buffer", raw(parcel.at)));
    tree_.set_cells(at, "reg", reg);
    tree_.set_flag(at, "qcom,shared-memory");
    tree_.set_flag(at, "no-map");
    tree_.set_cells(at, "peers",
                    parcel.lent ? std::vector<std::uint32_t>{vmid_}
                                : std::vector<std::uint32_t>{kVmidHost, vmid_, kVmidHost});
    tree_.set_u32(at, "qcom,rm-mem-handle", handle(parcel));
    tree_.set_u32(at, "phandle", phandle(parcel));
    tree_.set_u32(at, "qcom,label", parcel.label);
}

/// All that was accepted, sorted, neighbours joined.
std::vector<std::uint32_t> Patcher::memory_reg() const
{
    std::vector<Parcel> parcels = config_.parcels;
    std::sort(parcels.begin(), parcels.end(),
              [](const Parcel& a, const Parcel& b) { return a.at < b.at; });
    std::vector<Parcel> joined;
    for (const Parcel& parcel : parcels) {
        if (!joined.empty() && joined.back().at + joined.back().size == parcel.at)
            joined.back().size += parcel.size;
        else
            joined.push_back(parcel);
    }
    std::vector<std::uint32_t> reg;
    for (const Parcel& parcel : joined)
        append_range(reg, raw(parcel.at), parcel.size);
    return reg;
}

/// "/memory" finds memory@... too, as it does in the Resource Manager.
void Patcher::patch_memory()
{
    auto at = tree_.find("/memory");
    if (!at)
        at = tree_.add_node(tree_.root(), "memory");
    tree_.set_texts(*at, "device_type", {"memory"});
    tree_.set_cells(*at, "reg", memory_reg());
}

/// Where the guest has no PSCI it powers its vCPUs by hypercalls.
void Patcher::patch_cpus()
{
    if (config_tree_.psci)
        return;
    std::uint64_t vcpu = 0;
    for (const fdt::CpuNode& cpu : config_tree_.cpus)
        if (cpu.status != fdt::CpuNode::Status::Failed)
            tree_.set_u64s(node(cpu.path), "qcom,gunyah-capability", {capabilities_.vcpu(vcpu++)});
}

void Patcher::add_vsoc()
{
    const Offset at = tree_.add_node(tree_.root(), "vsoc");
    tree_.set_u32(at, "#address-cells", 2);
    tree_.set_u32(at, "#size-cells", 2);
    tree_.set_flag(at, "ranges");
    tree_.set_texts(at, "compatible", {"simple-bus"});
}

void Patcher::add_hypervisor()
{
    const Offset at = tree_.add_node(tree_.root(), "hypervisor");
    tree_.set_u32(at, "#address-cells", 2);
    tree_.set_u32(at, "#size-cells", 0);
    tree_.set_texts(at, "compatible",
                    {"gunyah-hypervisor", "qcom,gunyah-hypervisor-1.0", "qcom,gunyah-hypervisor",
                     "simple-bus"});
    add_vm_id(at);
    add_device_nodes(tree_, at, config_tree_, capabilities_);
    for (const fdt::ShmNode& shm : config_tree_.shms)
        add_shm(at, shm, find_parcel(shm, config_));
}

void Patcher::add_vm_id(Offset parent)
{
    const Offset at = tree_.add_node(parent, "qcom,gunyah-vm");
    tree_.set_texts(at, "compatible", {"qcom,gunyah-vm-id-1.0", "qcom,gunyah-vm-id"});
    tree_.set_u32(at, "qcom,vmid", vmid_);
    tree_.set_u32(at, "qcom,owner-vmid", kVmidHost);
    tree_.set_texts(at, "qcom,vendor", {"Qualcomm"});
    tree_.set_texts(at, "qcom,image-name", {config_tree_.image_name});
    if (!config_tree_.vm_uri.empty())
        tree_.set_texts(at, "qcom,vm-uri", {config_tree_.vm_uri});
    if (!config_tree_.vm_guid.empty())
        tree_.set_texts(at, "qcom,vm-guid", {config_tree_.vm_guid});
}

/// An optional one whose memory was not given has a node all the same, without any (golden
/// shm-optional).
void Patcher::add_shm(Offset parent, const fdt::ShmNode& shm, const Parcel* parcel)
{
    const Offset at = tree_.add_node(parent, generated_name(shm.path, shm.generate));
    std::vector<std::string> compatible = shm.push_compatible;
    compatible.emplace_back("qcom,shared-memory");
    tree_.set_texts(at, "compatible", compatible);
    if (parcel != nullptr) {
        tree_.set_u32(at, "buffer", phandle(*parcel));
        tree_.set_u32(at, "memory-region", phandle(*parcel));
    }
    tree_.set_u32(at, "peer", kVmidHost);
    set_label(tree_, at, shm.label);
    tree_.set_u64s(at, "dma_base", {shm.dma_base});
}

}  // namespace

std::vector<std::byte> patch_tree(std::span<const std::byte> blob, const fdt::VmConfigTree& tree,
                                  const ImageConfig& config, std::uint16_t vmid,
                                  std::uint64_t kaslr_seed)
{
    const auto view = fdt::View::open(blob);
    if (!view)
        throw gh::Error("not a devicetree");
    // Written anew first: libfdt reads a damaged tree safely but does not edit it so.
    const auto clean = fdt::flatten(fdt::unflatten(*view), view->reservations());
    return Patcher(fdt::View::open(clean).value(), tree, config, vmid).patch(kaslr_seed);
}

}  // namespace gh::rm
