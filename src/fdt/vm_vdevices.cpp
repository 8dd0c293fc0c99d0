// SPDX-License-Identifier: BSD-3-Clause
#include "base/bits.h"
#include "fdt/vm_config_reader.h"
#include "memory/hex.h"

#include <algorithm>
#include <array>

namespace gh::fdt {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint32_t kFirstFreeIntid = 960;  // the RM's own choice starts at SPI 928
constexpr std::uint32_t kIntidLimit = 1020;
constexpr std::uint32_t kTypeSpi = 0;
constexpr std::uint32_t kTypePpi = 1;

constexpr std::array<std::string_view, 12> kOtherTypes = {
    "doorbell-source", "message-queue", "message-queue-pair",
    "rm-rpc",          "shm-doorbell",  "virtio-mmio",
    "iomem",           "vrtc-pl031",    "vsmmu-v2",
    "virtio-pci",      "pci",           "virtio-iommu"};

}  // namespace

std::uint32_t VmConfigReader::label(Offset node) const
{
    const auto own = view_.u32(node, "qcom,label");
    return own ? *own : view_.u32(node, "label").value_or(0);
}

bool VmConfigReader::read_vdevice(Offset node)
{
    if (!view_.has(node, "vdevice-type"))
        return false;
    const auto is = [this, node](std::string_view type) {
        return view_.lists(node, "vdevice-type", type);
    };
    if (is("doorbell"))
        read_doorbell(node);
    else if (is("shm"))
        read_shm(node);
    else if (const auto* const it = std::find_if(kOtherTypes.begin(), kOtherTypes.end(), is);
             it != kOtherTypes.end())
        read_other(node, *it);
    else
        odd(node, "vdevice-type", "an unknown vdevice-type is ignored");
    return true;
}

bool VmConfigReader::peer_is_good(Offset node)
{
    if (view_.has(node, "peer-default"))
        return true;
    if (!view_.has(node, "peer")) {
        refuse(node, "vdevice-peer", "neither peer-default nor peer is there");
        return false;
    }
    odd(node, "vdevice-peer", "peer instead of peer-default: the VM's owner may not be the peer");
    return true;
}

void VmConfigReader::read_doorbell(Offset node)
{
    if (!peer_is_good(node))
        return;
    DoorbellNode bell;
    bell.path = view_.path(node);
    bell.generate = view_.text(node, "generate").value_or("/hypervisor/qcom,doorbell");
    bell.label = label(node);
    bell.source_can_clear = view_.has(node, "source-can-clear");
    bell.push_compatible = view_.texts(node, "push-compatible");
    if (!view_.has(node, "label") && !view_.has(node, "qcom,label"))
        odd(node, "doorbell-label", "without label the doorbell is found as label 0");
    if (!view_.has(node, "generate"))
        odd(node, "doorbell-generate", "without generate the node is called qcom,doorbell");
    read_doorbell_interrupt(node, bell);
    if (bell.level && !bell.source_can_clear)
        odd(node, "doorbell-clear",
            "a level doorbell without source-can-clear cannot be taken back by an irqfd");
    out_.doorbells.push_back(std::move(bell));
}

/// intid 0: the RM will choose one. Below 32 only until check_doorbell() refuses it.
void VmConfigReader::read_doorbell_interrupt(Offset node, DoorbellNode& bell)
{
    const auto triple = view_.property(node, "interrupts");
    const auto ignore = [&](const char* why) {
        odd(node, "doorbell-interrupt",
            std::string(why) + ": the Resource Manager takes a free SPI instead (928 and up)");
    };
    if (!triple || triple->size() != 12)
        return ignore("interrupts is not one <type number trigger>");
    const std::uint32_t type = cell(*triple, 0);
    const std::uint32_t number = cell(*triple, 1);
    const std::uint32_t trigger = cell(*triple, 2) & 0xf;
    if (type > 3)
        return ignore("the interrupt's type is unknown");
    if (type == kTypePpi ? number >= 16 : number >= kIntidLimit - 32)
        return ignore("the interrupt's number is out of range");
    if (trigger != 1 && trigger != 4)
        return ignore("the trigger is neither rising edge (1) nor level high (4)");
    bell.level = trigger == 4;
    if (type != kTypeSpi)
        return refuse(RmError::NoResource, "doorbell-interrupt", view_.path(node),
                      "a doorbell must be an SPI (type 0)");
    bell.intid = number + 32;
}

void VmConfigReader::read_shm(Offset node)
{
    if (!peer_is_good(node))
        return;
    ShmNode shm;
    shm.path = view_.path(node);
    shm.generate = view_.text(node, "generate").value_or("/hypervisor/qcom,shm");
    shm.label = label(node);
    shm.dma_base = view_.u64(node, "dma_base").value_or(~std::uint64_t{0});
    shm.push_compatible = view_.texts(node, "push-compatible");
    const auto memory = view_.child(node, "memory");
    if (!memory)
        return refuse(node, "shm-memory", "a shm vdevice needs a child node memory");
    read_shm_memory(*memory, shm);
    out_.shms.push_back(std::move(shm));
}

void VmConfigReader::read_shm_memory(Offset node, ShmNode& shm)
{
    shm.memory_label = label(node);
    shm.optional = view_.has(node, "optional");
    shm.base = view_.u64(node, "base");
    if (shm.base && !is_aligned(*shm.base, kPage))
        refuse(node, "shm-base", "base " + hex(*shm.base) + " is not page aligned");
    if (shm.base.has_value() == view_.has(node, "allocate-base"))
        refuse(node, "shm-base", "exactly one of base (two cells) and allocate-base must be there");
}

void VmConfigReader::read_other(Offset node, std::string_view type)
{
    const bool queue = type == "message-queue";
    if (queue && view_.has(node, "is-sender") == view_.has(node, "is-receiver"))
        return refuse(node, "message-queue", "exactly one of is-sender and is-receiver is needed");
    if (type != "rm-rpc" && type != "vrtc-pl031" && !peer_is_good(node))
        return;
    out_.others.push_back(
        {view_.path(node), std::string(type),
         view_.text(node, "generate").value_or("/hypervisor/" + std::string(type)), label(node)});
}

/// The RM creates virtual devices after the vCPUs; what fails here is "no resource".
void VmConfigReader::check_vdevices()
{
    for (const char* path : {"/gunyah-vm-config", "/qcom,vm-config"}) {
        const auto config = view_.find(path);
        if (config && view_.has(*config, "iomemory-ranges"))
            refuse(RmError::NoResource, "iomemory-ranges", path,
                   "iomemory-ranges are for authenticated VMs");
        if (config && view_.has(*config, "gic-irq-ranges"))
            refuse(RmError::NoResource, "gic-irq-ranges", path,
                   "gic-irq-ranges are for authenticated VMs");
    }
    for (const auto& other : out_.others)
        if (other.type == "vrtc-pl031")
            refuse(RmError::NoResource, "vrtc", other.path,
                   "few platforms have the virtual RTC; QEMU's has not");
    for (const auto& bell : out_.doorbells)
        if (bell.intid != 0)
            check_doorbell(bell);
    for (auto& bell : out_.doorbells)
        if (bell.intid == 0)
            choose_interrupt(bell);
    check_doorbell_labels();
}

void VmConfigReader::check_doorbell(const DoorbellNode& bell)
{
    if (std::count(taken_intids_.begin(), taken_intids_.end(), bell.intid) != 0)
        refuse(RmError::NoResource, "doorbell-interrupt", bell.path,
               "SPI " + std::to_string(bell.intid - 32) + " is another doorbell's already");
    taken_intids_.push_back(bell.intid);
}

void VmConfigReader::choose_interrupt(DoorbellNode& bell)
{
    std::uint32_t intid = kFirstFreeIntid;
    while (std::count(taken_intids_.begin(), taken_intids_.end(), intid) != 0)
        intid++;
    if (intid >= kIntidLimit)
        return refuse(RmError::NoResource, "doorbell-interrupt", bell.path,
                      "no SPI is left for the Resource Manager to choose");
    bell.intid = intid;
    bell.level = false;
    taken_intids_.push_back(intid);
}

void VmConfigReader::check_doorbell_labels()
{
    const auto& bells = out_.doorbells;
    for (std::size_t i = 0; i < bells.size(); i++)
        for (std::size_t j = 0; j < i; j++)
            if (bells[i].label == bells[j].label)
                out_.findings.push_back({Finding::Kind::Odd, Phase::Init, RmError::MemInvalid,
                                         "doorbell-label", bells[i].path,
                                         "label " + std::to_string(bells[i].label) + " is " +
                                             bells[j].path +
                                             "'s too: an irqfd reaches only one of them"});
}

}  // namespace gh::fdt
