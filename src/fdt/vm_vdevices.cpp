// SPDX-License-Identifier: BSD-3-Clause
#include "base/bits.h"
#include "fdt/vm_config_reader.h"
#include "memory/hex.h"

#include <algorithm>
#include <array>
#include <map>

namespace gh::fdt {
namespace {

constexpr std::uint64_t kPage = 0x1000;
constexpr std::uint32_t kFirstFreeIntid = 960;  // the RM's own choice starts at SPI 928
constexpr std::uint32_t kIntidLimit = 1020;
constexpr std::uint32_t kTypeSpi = 0;
constexpr std::uint32_t kTypePpi = 1;

constexpr std::array<std::string_view, 8> kOtherTypes = {
    "shm-doorbell", "virtio-mmio", "iomem", "vrtc-pl031",
    "vsmmu-v2",     "virtio-pci",  "pci",   "virtio-iommu"};

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
    ++vdevices_;
    const auto is = [this, node](std::string_view type) {
        return view_.lists(node, "vdevice-type", type);
    };
    if (is("doorbell"))
        read_doorbell(node, false);
    else if (is("doorbell-source"))
        read_doorbell(node, true);
    else if (is("message-queue"))
        read_queue(node);
    else if (is("message-queue-pair"))
        read_queue_pair(node);
    else if (is("rm-rpc"))
        read_rpc(node);
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

void VmConfigReader::read_doorbell(Offset node, bool source)
{
    if (!peer_is_good(node))
        return;
    const std::string name = source ? "qcom,doorbell-source" : "qcom,doorbell";
    DoorbellNode bell;
    bell.path = path_of(node);
    bell.generate = view_.text(node, "generate").value_or("/hypervisor/" + name);
    bell.label = label(node);
    bell.source = source;
    bell.source_can_clear = view_.has(node, "source-can-clear");
    bell.push_compatible = view_.texts(node, "push-compatible");
    if (!view_.has(node, "label") && !view_.has(node, "qcom,label"))
        odd(node, "doorbell-label", "without label the doorbell is found as label 0");
    if (!view_.has(node, "generate"))
        odd(node, "doorbell-generate", "without generate the node is called " + name);
    if (!source)
        bell.interrupt = read_vdevice_interrupts(node, 1).front();
    if (bell.interrupt.level && !bell.source_can_clear)
        odd(node, "doorbell-clear",
            "a level doorbell without source-can-clear cannot be taken back by an irqfd");
    out_.doorbells.push_back(std::move(bell));
}

/// All of `count`, or none: intid 0, the RM will choose. Below 32 only where it was refused.
std::vector<VdeviceInterrupt> VmConfigReader::read_vdevice_interrupts(Offset node,
                                                                      std::size_t count)
{
    constexpr std::size_t kTriple = 12;
    std::vector<VdeviceInterrupt> all(count);
    const auto triples = view_.property(node, "interrupts");
    const char* flaw = triples && triples->size() == count * kTriple
                           ? nullptr
                           : "interrupts is not one <type number trigger> for each";
    for (std::size_t i = 0; i < count && flaw == nullptr; ++i)
        flaw = flaw_of_interrupt(triples->subspan(i * kTriple, kTriple));
    if (flaw != nullptr) {
        odd(node, "vdevice-interrupt",
            std::string(flaw) + ": the Resource Manager takes a free SPI instead (928 and up)");
        return all;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const Bytes triple = triples->subspan(i * kTriple, kTriple);
        all[i].level = (cell(triple, 2) & 0xf) == 4;
        if (cell(triple, 0) == kTypeSpi)
            all[i].intid = cell(triple, 1) + 32;
        else
            refuse(RmError::NoResource, "vdevice-interrupt", path_of(node),
                   "the interrupt of a vdevice must be an SPI (type 0)");
    }
    return all;
}

/// Why the RM ignores an interrupt; nullptr: it does not.
const char* VmConfigReader::flaw_of_interrupt(Bytes triple) const
{
    const std::uint32_t type = cell(triple, 0);
    const std::uint32_t number = cell(triple, 1);
    const std::uint32_t trigger = cell(triple, 2) & 0xf;
    if (type > 3)
        return "the interrupt's type is unknown";
    if (type == kTypePpi ? number >= 16 : number >= kIntidLimit - 32)
        return "the interrupt's number is out of range";
    if (trigger != 1 && trigger != 4)
        return "the trigger is neither rising edge (1) nor level high (4)";
    return nullptr;
}

void VmConfigReader::read_shm(Offset node)
{
    if (!peer_is_good(node))
        return;
    ShmNode shm;
    shm.path = path_of(node);
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
    if (type != "vrtc-pl031" && !peer_is_good(node))
        return;
    out_.others.push_back(
        {path_of(node), std::string(type),
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
    claim_interrupts();
    check_queues();
    check_doorbell_labels();
}

/// In the order in which the RM creates the devices; so one that it has chosen may be another's.
void VmConfigReader::claim_interrupts()
{
    std::stable_partition(out_.queues.begin(), out_.queues.end(),
                          [](const QueueNode& queue) { return queue.sends != queue.receives; });
    const auto claim_queue = [this](QueueNode& queue) {
        if (queue.sends)
            claim_interrupt(queue.not_full, queue.path);
        if (queue.receives)
            claim_interrupt(queue.not_empty, queue.path);
    };
    if (out_.rpc)
        claim_queue(*out_.rpc);
    for (auto& bell : out_.doorbells)
        if (!bell.source)
            claim_interrupt(bell.interrupt, bell.path);
    for (auto& queue : out_.queues)
        claim_queue(queue);
}

void VmConfigReader::claim_interrupt(VdeviceInterrupt& interrupt, const std::string& path)
{
    const auto taken = [this](std::uint32_t intid) {
        return std::count(taken_intids_.begin(), taken_intids_.end(), intid) != 0;
    };
    if (interrupt.intid == 0) {
        interrupt = {kFirstFreeIntid, false};
        while (taken(interrupt.intid))
            interrupt.intid++;
        if (interrupt.intid >= kIntidLimit)
            return refuse(RmError::NoResource, "vdevice-interrupt", path,
                          "no SPI is left for the Resource Manager to choose");
    } else if (taken(interrupt.intid)) {
        refuse(RmError::NoResource, "vdevice-interrupt", path,
               "SPI " + std::to_string(interrupt.intid - 32) + " is another vdevice's already");
    }
    taken_intids_.push_back(interrupt.intid);
}

void VmConfigReader::check_doorbell_labels()
{
    std::map<std::uint32_t, const DoorbellNode*> first;
    for (const DoorbellNode& bell : out_.doorbells) {
        if (bell.source)
            continue;
        const auto [other, is_first] = first.emplace(bell.label, &bell);
        if (!is_first)
            out_.findings.push_back(
                {Finding::Kind::Odd, Phase::Init, RmError::MemInvalid, "doorbell-label", bell.path,
                 "label " + std::to_string(bell.label) + " is " + other->second->path +
                     "'s too: an irqfd reaches only one of them"});
    }
}

}  // namespace gh::fdt
