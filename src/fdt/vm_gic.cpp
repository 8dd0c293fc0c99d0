// SPDX-License-Identifier: BSD-3-Clause
#include "base/bits.h"
#include "fdt/vm_config_reader.h"
#include "memory/hex.h"

namespace gh::fdt {
namespace {

constexpr std::uint64_t kFrame = 0x1'0000;
constexpr std::uint64_t kMinStride = 0x2'0000;

}  // namespace

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
        if (*stride < kMinStride || !is_aligned(*stride, kFrame))
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

void VmConfigReader::check_gic()
{
    const std::uint64_t gicd = out_.gic.distributor;
    const std::uint64_t gicr = out_.gic.redistributors;
    const std::uint64_t gicr_size = out_.gic.stride * out_.cpus.size();
    if (!is_aligned(gicd, kFrame) || !is_aligned(gicr, kFrame))
        refuse(RmError::NoResource, "gic-alignment", out_.gic.path,
               "GICD and GICR must be 64 KiB aligned");
    else if (out_.gic.stride >= kAddressLimit)
        refuse(RmError::NoResource, "gic-stride", out_.gic.path,
               "redistributor-stride leaves the 36-bit address space");
    else if (gicr < gicd ? gicr_size > gicd - gicr : gicr - gicd < kFrame)
        refuse(RmError::NoResource, "gic-overlap", out_.gic.path,
               "the redistributors need " + hex(gicr_size) + " bytes from " + hex(gicr) +
                   " and overlap the distributor at " + hex(gicd));
}

}  // namespace gh::fdt
