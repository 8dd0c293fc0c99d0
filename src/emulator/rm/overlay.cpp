// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/overlay.h"

#include "base/error.h"
#include "emulator/rm/address_check.h"
#include "fdt/node.h"
#include "fdt/view.h"
#include "memory/hex.h"

#include <algorithm>
#include <deque>
#include <string>

namespace gh::rm {
namespace {

using fdt::Node;

constexpr std::uint32_t kHandleFirst = 0x80;  // of memory parcels

/// `node` with `front`'s properties and children before its own, as an overlay puts new ones. A
/// property that exists keeps its place and takes the new value.
Node with_front(const Node& node, const Node& front)
{
    Node out{node.name()};
    for (const auto& [name, value] : front.properties())
        if (node.property(name) == nullptr)
            out.set(name, value);
    for (const auto& [name, value] : node.properties()) {
        const auto* changed = front.property(name);
        out.set(name, changed != nullptr ? changed->value : value);
    }
    for (const Node& child : front.children())
        out.add(child);
    for (const Node& child : node.children())
        out.add(child);
    return out;
}

class Patcher {
public:
    Patcher(Node root, const fdt::VmConfigTree& tree, const ImageConfig& config, std::uint16_t vmid,
            std::uint64_t kaslr_seed)
        : root_(std::move(root)), tree_(tree), config_(config), vmid_(vmid), seed_(kaslr_seed)
    {
        address_cells_ = cell_count("#address-cells", 2);
        size_cells_ = cell_count("#size-cells", 1);
        next_phandle_ = highest_phandle(root_) + 1;
    }

    Node patch();

private:
    [[nodiscard]] std::uint32_t cell_count(const char* name, std::uint32_t otherwise) const;
    static std::uint32_t highest_phandle(const Node& node);
    void append(std::vector<std::uint32_t>& cells, std::uint32_t count, std::uint64_t value) const;
    [[nodiscard]] std::vector<std::uint32_t> range(std::uint64_t base, std::uint64_t size) const;

    void amend(const std::string& path, const Node& front);
    [[nodiscard]] Node hypervisor();
    [[nodiscard]] Node vm_id() const;
    [[nodiscard]] static Node doorbell(const fdt::DoorbellNode& bell, std::size_t capability);
    [[nodiscard]] Node shm(const fdt::ShmNode& node, const Parcel& parcel);
    [[nodiscard]] Node vsoc() const;
    [[nodiscard]] Node memory() const;
    [[nodiscard]] Node reserved_memory();
    [[nodiscard]] Node buffer(const Parcel& parcel);
    [[nodiscard]] Node gic() const;
    std::uint32_t phandle(const Parcel& parcel);
    [[nodiscard]] std::uint32_t handle(const Parcel& parcel) const;
    [[nodiscard]] bool is_ram(const Parcel& parcel) const;

    Node root_;
    const fdt::VmConfigTree& tree_;
    const ImageConfig& config_;
    std::uint16_t vmid_;
    std::uint64_t seed_;
    std::uint32_t address_cells_ = 2;
    std::uint32_t size_cells_ = 1;
    std::uint32_t next_phandle_ = 1;
    std::vector<std::pair<const Parcel*, std::uint32_t>> phandles_;
};

std::uint32_t number(const Node::Property* property, std::uint32_t otherwise)
{
    return property != nullptr && property->value.size() == 4 ? fdt::cell(property->value, 0)
                                                              : otherwise;
}

std::uint32_t Patcher::cell_count(const char* name, std::uint32_t otherwise) const
{
    return std::min(number(root_.property(name), otherwise), 2u);
}

std::uint32_t Patcher::highest_phandle(const Node& node)
{
    std::uint32_t highest = number(node.property("phandle"), 0);
    for (const Node& child : node.children())
        highest = std::max(highest, highest_phandle(child));
    return highest;
}

/// A number that the root's cells cannot say is refused.
void Patcher::append(std::vector<std::uint32_t>& cells, std::uint32_t count,
                     std::uint64_t value) const
{
    if (count == 2)
        cells.push_back(static_cast<std::uint32_t>(value >> 32));
    else if (count == 0 || value >> 32 != 0)
        throw gh::Error("the root's #address-cells and #size-cells cannot say " + hex(value));
    cells.push_back(static_cast<std::uint32_t>(value));
}

std::vector<std::uint32_t> Patcher::range(std::uint64_t base, std::uint64_t size) const
{
    std::vector<std::uint32_t> cells;
    append(cells, address_cells_, base);
    append(cells, size_cells_, size);
    return cells;
}

/// Applies `front` to the node at `path`, rebuilding its ancestors.
Node amended(const Node& node, std::string_view path, const Node& front)
{
    if (path.empty())
        return with_front(node, front);
    const auto slash = path.find('/', 1);
    const std::string_view name = path.substr(1, slash == path.npos ? path.npos : slash - 1);
    const std::string_view rest = slash == path.npos ? std::string_view{} : path.substr(slash);
    Node out{node.name()};
    for (const auto& [property, value] : node.properties())
        out.set(property, value);
    for (const Node& child : node.children())
        out.add(child.name() == name ? amended(child, rest, front) : child);
    return out;
}

void Patcher::amend(const std::string& path, const Node& front)
{
    root_ = amended(root_, path, front);
}

/// Private memory with all rights is the guest's RAM; what is spoken of by a shm or reserved-memory
/// node, or lacks a right, is a buffer.
bool Patcher::is_ram(const Parcel& parcel) const
{
    const bool image = &parcel == &config_.parcels[config_.image];
    const bool named = std::any_of(tree_.shms.begin(), tree_.shms.end(), [&](const auto& node) {
        return find_parcel(node, config_) == &parcel;
    });
    return image || (parcel.rights == kAllRights && !named);
}

std::uint32_t Patcher::handle(const Parcel& parcel) const
{
    return kHandleFirst + static_cast<std::uint32_t>(&parcel - config_.parcels.data());
}

std::uint32_t Patcher::phandle(const Parcel& parcel)
{
    for (const auto& [known, phandle] : phandles_)
        if (known == &parcel)
            return phandle;
    phandles_.emplace_back(&parcel, next_phandle_);
    return next_phandle_++;
}

Node Patcher::doorbell(const fdt::DoorbellNode& bell, std::size_t capability)
{
    const auto slash = bell.generate.rfind('/');
    if (bell.generate.substr(0, slash) != "/hypervisor")
        throw gh::Error(bell.path + ": generate = \"" + bell.generate +
                        "\": doorbell nodes can be made in /hypervisor only");
    std::string name = hex(capability);
    name.replace(0, 2, bell.generate.substr(slash + 1) + "@");
    Node node{std::move(name)};
    node.set_u32("label", bell.label).set_u32("qcom,label", bell.label);
    node.set_cells("interrupts", {0, bell.intid - 32, bell.level ? 4u : 1u});
    node.set_u64("reg", capability);
    std::vector<std::byte> compatible;
    auto texts = bell.push_compatible;
    texts.insert(texts.end(), {"qcom,gunyah-doorbell", "qcom,gunyah-capability"});
    for (const std::string& text : texts)
        for (std::size_t i = 0; i <= text.size(); ++i)
            compatible.push_back(static_cast<std::byte>(text.c_str()[i]));
    node.set("compatible", compatible);
    return node;
}

Node Patcher::shm(const fdt::ShmNode& shm, const Parcel& parcel)
{
    Node node{shm.generate.substr(shm.generate.rfind('/') + 1)};
    node.set_u64("dma_base", shm.dma_base);
    node.set_u32("label", shm.label).set_u32("qcom,label", shm.label);
    node.set_u32("peer", kVmidHost);
    node.set_u32("memory-region", phandle(parcel)).set_u32("buffer", phandle(parcel));
    node.set_text("compatible", "qcom,shared-memory");
    return node;
}

Node Patcher::vm_id() const
{
    Node node{"qcom,gunyah-vm"};
    if (!tree_.vm_guid.empty())
        node.set_text("qcom,vm-guid", tree_.vm_guid);
    if (!tree_.vm_uri.empty())
        node.set_text("qcom,vm-uri", tree_.vm_uri);
    node.set_text("qcom,image-name", tree_.image_name);
    node.set_text("qcom,vendor", "Qualcomm");
    node.set_u32("qcom,owner-vmid", kVmidHost).set_u32("qcom,vmid", vmid_);
    node.set_texts("compatible", {"qcom,gunyah-vm-id-1.0", "qcom,gunyah-vm-id"});
    return node;
}

Node Patcher::hypervisor()
{
    Node node{"hypervisor"};
    node.set_texts("compatible", {"gunyah-hypervisor", "qcom,gunyah-hypervisor-1.0",
                                  "qcom,gunyah-hypervisor", "simple-bus"});
    node.set_u32("#size-cells", 0).set_u32("#address-cells", 2);
    for (const fdt::ShmNode& shm_node : tree_.shms)
        if (const Parcel* parcel = find_parcel(shm_node, config_))
            node.add(shm(shm_node, *parcel));
    for (std::size_t i = tree_.doorbells.size(); i-- > 0;)
        node.add(doorbell(tree_.doorbells[i], i));
    node.add(vm_id());
    return node;
}

Node Patcher::vsoc() const
{
    Node node{"vsoc"};
    node.set_text("compatible", "simple-bus").set_flag("ranges");
    node.set_u32("#size-cells", 2).set_u32("#address-cells", 2);
    return node;
}

/// All that was accepted, sorted, neighbours joined.
Node Patcher::memory() const
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
    for (const Parcel& parcel : joined) {
        append(reg, address_cells_, raw(parcel.at));
        append(reg, size_cells_, parcel.size);
    }
    Node node{"memory"};
    node.set_cells("reg", reg).set_text("device_type", "memory");
    return node;
}

Node Patcher::buffer(const Parcel& parcel)
{
    std::string name = hex(raw(parcel.at));
    name.replace(0, 2, "buffer@");
    Node node{std::move(name)};
    node.set_u32("qcom,label", parcel.label).set_u32("phandle", phandle(parcel));
    node.set_u32("qcom,rm-mem-handle", handle(parcel));
    node.set_cells("peers", parcel.lent ? std::vector<std::uint32_t>{vmid_}
                                        : std::vector<std::uint32_t>{kVmidHost, vmid_, kVmidHost});
    node.set_flag("no-map").set_flag("qcom,shared-memory");
    node.set_cells("reg", range(raw(parcel.at), parcel.size));
    return node;
}

Node Patcher::reserved_memory()
{
    Node node{"reserved-memory"};
    node.set_flag("ranges");
    node.set_u32("#size-cells", size_cells_).set_u32("#address-cells", address_cells_);
    for (const Parcel& parcel : config_.parcels) {
        const bool described =
            std::any_of(tree_.reserved.begin(), tree_.reserved.end(), [&](const auto& reserved) {
                return reserved.base && find_parcel(reserved, config_) == &parcel;
            });
        if (!is_ram(parcel) && !described)
            node.add(buffer(parcel));
    }
    return node;
}

Node Patcher::gic() const
{
    Node node;
    std::vector<std::uint32_t> reg = range(tree_.gic.distributor, 0x1'0000);
    const auto frames = range(tree_.gic.redistributors, tree_.gic.stride * tree_.cpus.size());
    reg.insert(reg.end(), frames.begin(), frames.end());
    node.set_cells("reg", reg);
    node.set_u64("redistributor-stride", tree_.gic.stride);
    node.set_u32("#redistributor-regions", 1);
    node.set_text("compatible", "arm,gic-v3");
    return node;
}

Node Patcher::patch()
{
    Node front;
    front.add(hypervisor());
    if (root_.find_child("vsoc") == nullptr)
        front.add(vsoc());
    for (const fdt::ReservedMemory& reserved : tree_.reserved)
        if (const Parcel* parcel = reserved.base ? find_parcel(reserved, config_) : nullptr) {
            Node properties;
            properties.set_u32("phandle", phandle(*parcel));
            properties.set_u32("qcom,rm-mem-handle", handle(*parcel));
            amend(reserved.path, properties);
        }
    const auto memory_node =
        std::find_if(root_.children().begin(), root_.children().end(), [](const Node& child) {
            return child.name() == "memory" || child.name().starts_with("memory@");
        });
    if (memory_node == root_.children().end())
        front.add(memory());
    else
        amend("/" + std::string(memory_node->name()), memory());
    if (root_.find_child("reserved-memory") == nullptr)
        front.add(reserved_memory());
    else {
        const Node made = reserved_memory();
        Node buffers;
        for (const Node& child : made.children())
            buffers.add(child);
        amend("/reserved-memory", buffers);
    }
    Node chosen;
    chosen.set_u64("kaslr-seed", seed_);
    amend("/chosen", chosen);
    if (tree_.gic.placed_by_rm)
        amend(tree_.gic.path, gic());
    return with_front(root_, front);
}

}  // namespace

std::vector<std::byte> patch_tree(std::span<const std::byte> blob, const fdt::VmConfigTree& tree,
                                  const ImageConfig& config, std::uint16_t vmid,
                                  std::uint64_t kaslr_seed)
{
    const auto view = fdt::View::open(blob);
    if (!view)
        throw gh::Error("not a devicetree");
    return fdt::flatten(Patcher(fdt::unflatten(*view), tree, config, vmid, kaslr_seed).patch());
}

}  // namespace gh::rm
