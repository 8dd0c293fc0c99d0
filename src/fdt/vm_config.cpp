// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/vm_config.h"

#include "base/bits.h"
#include "fdt/vm_config_reader.h"
#include "memory/hex.h"

#include <algorithm>
#include <string_view>

namespace gh::fdt {
namespace {

constexpr std::size_t kMaxFindings = 1000;  // of a tree that has an end: what it may cost to refuse
constexpr std::size_t kMaxVdevices = 256;   // of which some 103 fit into the overlay
constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint64_t kBlock = 0x20'0000;

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

const Finding* VmConfigTree::refusal() const
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
    view_.walk([this](Offset node, int depth) { return claim(node, depth); });
    read_chosen_and_reserved();
    check_config();
    check_cpus();
    check_gic();
    check_vdevices();
    sort_by_stage(out_.findings);
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
