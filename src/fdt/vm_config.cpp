// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/vm_config.h"

#include "base/bits.h"
#include "fdt/vm_config_reader.h"
#include "memory/hex.h"

#include <algorithm>
#include <string_view>

namespace gh::fdt {
namespace {

constexpr int kMaxDepth = 15;  // the deepest node the RM was seen to survive
constexpr std::size_t kMaxPath = 256;
constexpr std::size_t kMaxFindings = 1000;  // of a tree that has an end: what it may cost to refuse
constexpr std::size_t kMaxVdevices = 256;   // of which some 103 fit into the overlay
constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kBlock = 0x20'0000;
constexpr std::uint64_t kAddressLimit = std::uint64_t{1} << 36;
constexpr std::uint64_t kGicFrame = 0x1'0000;
constexpr std::uint64_t kMinStride = 0x2'0000;

const Finding* first_refusal(const std::vector<Finding>& findings)
{
    const auto it = std::find_if(findings.begin(), findings.end(),
                                 [](const Finding& finding) { return finding.ends_start(); });
    return it == findings.end() ? nullptr : &*it;
}

/// The RM's stages: parsing, the look at the whole, virtual devices, VM_START.
int stage(const Finding& finding)
{
    if (finding.phase == Phase::Start)
        return 3;
    switch (finding.error) {
    case RmError::MemInvalid: return 0;
    case RmError::Denied:
    case RmError::ArgumentInvalid: return 1;
    case RmError::NoResource: return 2;
    }
    return 3;
}

bool comes_before(const Finding& a, const Finding& b)
{
    return stage(a) < stage(b);
}

bool is_config_path(std::string_view path)
{
    return path == "/gunyah-vm-config" || path == "/qcom,vm-config";
}

/// 8-4-4-4-12 hexadecimal digits.
bool is_guid(std::string_view text)
{
    constexpr std::string_view form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    constexpr std::string_view digits = "0123456789abcdefABCDEF";
    return text.size() == form.size() &&
           std::equal(text.begin(), text.end(), form.begin(), [&](char c, char wanted) {
               return wanted == '-' ? c == '-' : digits.find(c) != std::string_view::npos;
           });
}

}  // namespace

const char* errno_name(RmError error)
{
    switch (error) {
    case RmError::NoResource: return "ENODEV";
    case RmError::Denied: return "EPERM";
    case RmError::ArgumentInvalid:
    case RmError::MemInvalid: return "EINVAL";
    }
    return "?";
}

Finding refused(Phase phase, RmError error, std::string rule, std::string path,
                const std::string& reason)
{
    const char* const call = phase == Phase::Init ? "VM_INIT" : "VM_START";
    return {Finding::Kind::Refused,
            phase,
            error,
            std::move(rule),
            std::move(path),
            reason + " (START fails with " + errno_name(error) + ": the Resource Manager refuses " +
                call + ")"};
}

const Finding* VmConfigTree::refusal() const
{
    return first_refusal(findings);
}
const Finding* ParcelLayout::refusal() const
{
    return first_refusal(findings);
}

void VmConfigReader::refuse(RmError error, std::string rule, std::string path,
                            const std::string& reason)
{
    out_.findings.push_back(refused(Phase::Init, error, std::move(rule), std::move(path), reason));
}

void VmConfigReader::odd(Offset node, std::string rule, std::string message)
{
    out_.findings.push_back({Finding::Kind::Odd, Phase::Init, RmError::MemInvalid, std::move(rule),
                             path_of(node), std::move(message)});
}

void VmConfigReader::read()
{
    out_.total_size = view_.blob().size();
    out_.region_size = platform_.region_size;
    find_ways();
    view_.walk([this](Offset node, int depth) { return claim(node, depth); });
    read_chosen_and_reserved();
    check_config();
    check_cpus();
    check_gic();
    check_vdevices();
    std::stable_sort(out_.findings.begin(), out_.findings.end(), comes_before);
}

/// A tree may have very many nodes: their paths must not cost a search of all of it each.
void VmConfigReader::find_ways()
{
    std::vector<std::size_t> around;  // index of the last node of each depth
    view_.walk([&](Offset node, int depth) {
        const auto level = static_cast<std::size_t>(depth);
        around.resize(level + 1);
        around[level] = ways_.size();
        ways_.push_back({node, around[level == 0 ? 0 : level - 1]});
        return true;
    });
}

/// Cut where it is of no use any more.
std::string VmConfigReader::path_of(Offset node) const
{
    const auto way = std::lower_bound(ways_.begin(), ways_.end(), node,
                                      [](const Way& a, Offset b) { return a.node < b; });
    if (way == ways_.end() || way->node != node)
        return "/...";
    std::vector<std::string_view> names;
    for (auto index = static_cast<std::size_t>(way - ways_.begin());
         index != 0 && names.size() <= kMaxDepth; index = ways_[index].parent)
        names.push_back(view_.name(ways_[index].node).substr(0, kMaxPath));
    std::string path;
    for (auto name = names.rbegin(); name != names.rend(); ++name)
        path.append("/").append(*name);
    return path.empty() ? "/" : path;
}

/// Every node goes to the first listener that wants it, in the RM's order. False: stop walking.
bool VmConfigReader::claim(Offset node, int depth)
{
    const std::string path = path_of(node);
    if (depth > kMaxDepth) {
        refuse(node, "depth", "a node is nested more than 15 deep: the RM of 2023 asserts");
        out_.findings.back().kind = Finding::Kind::Fatal;
        return false;
    }
    if (out_.findings.size() >= kMaxFindings || vdevices_ > kMaxVdevices) {
        refuse(RmError::NoResource, "size", path,
               out_.findings.size() >= kMaxFindings
                   ? "more is wrong with the tree than can be told"
                   : "more vdevices than the devicetree's overlay holds");
        return false;
    }
    if (path.size() >= kMaxPath)
        refuse(node, "path-length", "the node's path is longer than 255 characters");
    if (view_.lists(node, "device_type", "memory"))
        read_memory_node(node);
    else if (is_config_path(path))
        read_config(node);
    else if (!claim_config_child(node, path) && !read_vdevice(node)) {
        if (view_.lists(node, "compatible", "arm,psci-0.2") ||
            view_.lists(node, "compatible", "arm,psci-1.0"))
            out_.psci = true;
        else if (depth == 0)
            read_root(node);
    }
    return true;
}

bool VmConfigReader::claim_config_child(Offset node, std::string_view path)
{
    const auto slash = path.rfind('/');
    if (slash == std::string_view::npos || !is_config_path(path.substr(0, slash)))
        return false;
    const std::string_view name = path.substr(slash + 1);
    if (name == "memory")
        read_config_memory(node);
    else if (name == "vcpus")
        read_vcpus(node);
    else if (name == "interrupts")
        read_interrupts(node);
    else
        return name == "segments";
    return true;
}

void VmConfigReader::read_root(Offset root)
{
    root_address_cells_ = std::min(view_.u32(root, "#address-cells").value_or(2), 2u);
    root_size_cells_ = std::min(view_.u32(root, "#size-cells").value_or(1), 2u);
    if (const auto phandle = view_.u32(root, "interrupt-parent"))
        interrupt_parent_ = view_.by_phandle(*phandle);
}

void VmConfigReader::read_memory_node(Offset node)
{
    if (path_of(node) != "/memory")
        refuse(node, "memory-name",
               "a node of device_type \"memory\" must be /memory, without unit address");
}

void VmConfigReader::read_config(Offset node)
{
    config_seen_ = true;
    const auto name = view_.text(node, "image-name");
    if (!name || name->size() >= 80)
        refuse(node, "image-name",
               name ? "image-name has more than 79 characters" : "image-name is missing");
    out_.image_name = name.value_or("");
    if (const auto uri = view_.text(node, "vm-uri"); uri && uri->size() < 80)
        out_.vm_uri = *uri;
    out_.vm_guid = view_.text(node, "vm-guid").value_or("");
    if (view_.has(node, "vm-guid") && !is_guid(out_.vm_guid))
        refuse(node, "vm-guid", "vm-guid is not of the form 8-4-4-4-12 hexadecimal digits");
    if (const auto os = view_.text(node, "os-type"); os && *os != "linux")
        odd(node, "os-type", "os-type \"" + *os + "\" is unknown and ignored");
    if (view_.u32(node, "#address-cells") != 2u || view_.u32(node, "#size-cells") != 2u)
        odd(node, "config-cells",
            "#address-cells and #size-cells should be 2 here and in memory: newer Resource "
            "Managers "
            "read base-address by them");
    read_attributes(node);
}

void VmConfigReader::read_attributes(Offset node)
{
    static constexpr std::string_view known[] = {"ras-error-handler", "amu-counting-disabled",
                                                 "context-dump"};
    for (const auto& attribute : view_.texts(node, "vm-attrs")) {
        if (attribute == "crash-fatal")
            refuse(RmError::ArgumentInvalid, "vm-attrs", path_of(node),
                   "vm-attrs \"crash-fatal\" is for authenticated VMs");
        else if (attribute == "no-shutdown" || attribute == "no-reset") {
            refuse(node, "vm-attrs",
                   "with vm-attrs \"" + attribute + "\" the RM of 2023 asserts when the VM ends");
            out_.findings.back().kind = Finding::Kind::Fatal;
        } else if (std::find(std::begin(known), std::end(known), attribute) == std::end(known)) {
            odd(node, "vm-attrs", "\"" + attribute + "\" is unknown to the RM of 2023 and ignored");
        }
        if (attribute == "no-dtb-patch")
            out_.patch_dtb = false;
    }
}

void VmConfigReader::read_config_memory(Offset node)
{
    // Two cells, whatever #address-cells say: golden rows cells-1, cells-none.
    if (const auto base = view_.u64(node, "base-address")) {
        base_given_ = true;
        if (!is_aligned(*base, kPage))
            refuse(node, "base-address", "base-address is not page aligned");
        else if (!is_aligned(*base, kBlock))
            odd(node, "base-address",
                "base-address is not 2 MiB aligned: the guest runs at " +
                    hex(align_up(*base, kBlock)));
        out_.base_address = *base > kAddressLimit ? *base : align_up(*base, kBlock);
    }
    if (view_.has(node, "is-direct"))
        refuse(RmError::ArgumentInvalid, "is-direct", path_of(node),
               "is-direct is for authenticated VMs");
    if (view_.has(node, "firmware-address"))
        odd(node, "firmware-address", "firmware-address counts only where firmware is given");
    read_sizes(node);
}

void VmConfigReader::read_sizes(Offset node)
{
    size_min_ = view_.u32(node, "size-min");
    size_max_ = view_.u32(node, "size-max");
    for (const char* name : {"size-min", "size-max"}) {
        const auto value = view_.u32(node, name);
        if (value && !is_aligned(*value, kPage))
            refuse(node, name, std::string(name) + " is not page aligned");
        else if (!value && view_.has(node, name))
            odd(node, name, std::string(name) + " is read only as one cell; this one is ignored");
        else if (value && std::string_view(name) == "size-max")
            odd(node, name, "size-max limits nothing: memory beyond it is accepted");
    }
}

void VmConfigReader::read_interrupts(Offset node)
{
    const auto config = view_.property(node, "config");
    if (!config)
        return;
    const bool is_path = !config->empty() && config->front() == std::byte{'/'};
    if (is_path)
        gic_ = view_.find(view_.text(node, "config").value_or(""));
    else if (const auto phandle = view_.u32(node, "config"))
        gic_ = view_.by_phandle(*phandle);
    interrupts_config_bad_ = !gic_;
    if (!gic_)
        refuse(node, "gic-config",
               is_path ? "config names a node that is not there"
                       : "config is not the phandle of an interrupt controller");
}

void VmConfigReader::read_gic(Offset node)
{
    if (!view_.lists(node, "compatible", "arm,gic-v3"))
        return refuse(node, "gic-compatible", "the interrupt controller is not an arm,gic-v3");
    if (!view_.has(node, "interrupt-controller"))
        refuse(node, "gic-controller", "interrupt-controller is missing");
    if (view_.u32(node, "#interrupt-cells") != 3u)
        refuse(node, "gic-cells", "#interrupt-cells must be 3");
    if (view_.u32(node, "#redistributor-regions").value_or(1) != 1)
        refuse(node, "gic-regions", "only one redistributor region is possible");
    if (const auto stride = view_.u64(node, "redistributor-stride")) {
        if (*stride < kMinStride || !is_aligned(*stride, kGicFrame))
            refuse(node, "gic-stride",
                   "redistributor-stride must be a multiple of 64 KiB and at least 128 KiB");
        out_.gic.stride = *stride;
    } else if (view_.has(node, "redistributor-stride")) {
        odd(node, "gic-stride", "redistributor-stride is read only as two cells; ignored");
    }
    read_gic_reg(node);
}

void VmConfigReader::read_gic_reg(Offset node)
{
    const auto reg = view_.property(node, "reg");
    out_.gic.placed_by_rm = !reg;
    if (!reg)
        return odd(node, "gic-reg", "without reg the Resource Manager chooses the addresses");
    const std::size_t entry = root_address_cells_ + root_size_cells_;
    if (reg->size() < 2 * entry * 4)
        return refuse(node, "gic-reg", "reg needs two entries, distributor and redistributors");
    out_.gic.distributor = cells(*reg, 0, root_address_cells_);
    out_.gic.redistributors = cells(*reg, entry, root_address_cells_);
}

void VmConfigReader::read_chosen_and_reserved()
{
    const auto start = [this](const char* rule, const char* path, const char* reason) {
        out_.findings.push_back(refused(Phase::Start, RmError::NoResource, rule, path, reason));
    };
    if (!view_.find("/chosen"))
        start("chosen", "/", "there is no /chosen: the overlay cannot be applied");
    if (view_.child(view_.root(), "hypervisor"))
        start("hypervisor", "/hypervisor", "/hypervisor must not exist: the RM creates it");
    if (const auto parent = view_.child(view_.root(), "reserved-memory"))
        for (const Offset node : view_.children(*parent))
            read_reserved(node);
}

void VmConfigReader::read_reserved(Offset node)
{
    ReservedMemory reserved{path_of(node), view_.u32(node, "qcom,label"), {}, 0};
    const auto reg = view_.property(node, "reg");
    const std::size_t entry = std::size_t{4} * (root_address_cells_ + root_size_cells_);
    if (reg && reg->size() >= entry) {
        reserved.base = cells(*reg, 0, root_address_cells_);
        reserved.size = cells(*reg, root_address_cells_, root_size_cells_);
    }
    out_.reserved.push_back(reserved);
}

/// The RM's look at the whole after parsing.
void VmConfigReader::check_config()
{
    if (!config_seen_)
        odd(view_.root(), "vm-config", "there is no /gunyah-vm-config");
    if (!interrupts_config_bad_) {
        if (!gic_)
            gic_ = interrupt_parent_;
        if (gic_) {
            out_.gic.path = path_of(*gic_);
            read_gic(*gic_);
        } else {
            refuse(RmError::MemInvalid, "gic-config", "/gunyah-vm-config/interrupts",
                   "no interrupt controller: neither config here nor interrupt-parent in /");
        }
    }
    const bool sizes_cross = size_min_ && size_max_ && *size_min_ > *size_max_;
    if (out_.base_address >= kAddressLimit || sizes_cross)
        refuse(RmError::ArgumentInvalid, "address-limits", "/gunyah-vm-config/memory",
               sizes_cross ? "size-min is larger than size-max"
                           : "base-address is at or above 1 << 36");
    if (!base_given_)
        odd(view_.root(), "base-address",
            "base-address is missing or not of two cells: the platform's default is used");
}

void VmConfigReader::check_gic()
{
    const std::uint64_t gicd = out_.gic.distributor;
    const std::uint64_t gicr = out_.gic.redistributors;
    const std::uint64_t gicr_size = out_.gic.stride * out_.cpus.size();
    if (!is_aligned(gicd, kGicFrame) || !is_aligned(gicr, kGicFrame))
        refuse(RmError::NoResource, "gic-alignment", out_.gic.path,
               "GICD and GICR must be 64 KiB aligned");
    else if (out_.gic.stride >= kAddressLimit)
        refuse(RmError::NoResource, "gic-stride", out_.gic.path,
               "redistributor-stride leaves the 36-bit address space");
    else if (gicr < gicd ? gicr_size > gicd - gicr : gicr - gicd < kGicFrame)
        refuse(RmError::NoResource, "gic-overlap", out_.gic.path,
               "the redistributors need " + hex(gicr_size) + " bytes from " + hex(gicr) +
                   " and overlap the distributor at " + hex(gicd));
}

VmConfigTree read_vm_config(Bytes blob, const Platform& platform)
{
    VmConfigTree out;
    std::string why;
    const auto view = View::open(blob, &why);
    if (!view)
        out.findings.push_back(
            refused(Phase::Init, RmError::MemInvalid, "header", "/", "not a devicetree: " + why));
    else if (platform.region_size != 0 && view->blob().size() > platform.region_size)
        out.findings.push_back(refused(Phase::Init, RmError::MemInvalid, "totalsize", "/",
                                       "totalsize is larger than the devicetree's region"));
    else
        VmConfigReader(*view, platform, out).read();
    return out;
}

}  // namespace gh::fdt
