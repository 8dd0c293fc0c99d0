// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/device_nodes.h"

#include "base/error.h"
#include "memory/hex.h"

#include <vector>

namespace gh::rm {

using fdt::Offset;

std::string with_unit(const std::string& name, std::uint64_t unit)
{
    return name + "@" + hex(unit).substr(2);
}

std::string generated_name(const std::string& path, const std::string& generate)
{
    const std::string prefix = "/hypervisor/";
    if (!generate.starts_with(prefix) || generate.find('/', prefix.size()) != std::string::npos ||
        generate == prefix)
        throw gh::Error(path + ": generate = \"" + generate +
                        "\": nodes can be made right below /hypervisor only; call it /hypervisor/" +
                        "NAME");
    return generate.substr(prefix.size());
}

void set_label(fdt::Tree& tree, Offset at, std::uint32_t label)
{
    tree.set_u32(at, "qcom,label", label);
    tree.set_u32(at, "label", label);
}

namespace {

constexpr std::uint32_t kVdeviceHandleFirst = 1;

void append_interrupt(std::vector<std::uint32_t>& cells, const fdt::VdeviceInterrupt& interrupt)
{
    cells.insert(cells.end(), {0, interrupt.intid - 32, interrupt.level ? 4u : 1u});
}

/// libfdt puts what is new before what is there, so everything is made in the reverse of the order
/// in which the guest sees it.
class DeviceNodes {
public:
    DeviceNodes(fdt::Tree& tree, const fdt::VmConfigTree& config) : tree_(tree), config_(config) {}

    void add_doorbell(Offset parent, const fdt::DoorbellNode& bell, std::uint64_t capability);
    void add_queue(Offset parent, const fdt::QueueNode& queue, std::uint64_t capability);
    void add_queue_pair(Offset parent, const fdt::QueueNode& pair, std::uint64_t sender,
                        std::uint32_t handle);

private:
    void set_device(Offset at, std::vector<std::string> compatible, const char* own,
                    const std::vector<std::uint64_t>& capabilities);

    fdt::Tree& tree_;
    const fdt::VmConfigTree& config_;
};

/// What the node of every device begins with.
void DeviceNodes::set_device(Offset at, std::vector<std::string> compatible, const char* own,
                             const std::vector<std::uint64_t>& capabilities)
{
    compatible.insert(compatible.end(), {own, "qcom,gunyah-capability"});
    tree_.set_texts(at, "compatible", compatible);
    tree_.set_u64s(at, "reg", capabilities);
}

void DeviceNodes::add_doorbell(Offset parent, const fdt::DoorbellNode& bell,
                               std::uint64_t capability)
{
    const Offset at =
        tree_.add_node(parent, with_unit(generated_name(bell.path, bell.generate), capability));
    set_device(at, bell.push_compatible,
               bell.source ? "qcom,gunyah-doorbell-source" : "qcom,gunyah-doorbell", {capability});
    std::vector<std::uint32_t> interrupts;
    if (!bell.source) {
        append_interrupt(interrupts, bell.interrupt);
        tree_.set_cells(at, "interrupts", interrupts);
    }
    set_label(tree_, at, bell.label);
}

/// The names say "tx" for a receiver too (inferred from the Resource Manager's source).
void DeviceNodes::add_queue(Offset parent, const fdt::QueueNode& queue, std::uint64_t capability)
{
    const Offset at =
        tree_.add_node(parent, with_unit(generated_name(queue.path, queue.generate), capability));
    set_device(at, queue.push_compatible, "qcom,gunyah-message-queue", {capability});
    tree_.set_flag(at, queue.sends ? "is-sender" : "is-receiver");
    tree_.set_u32(at, "tx_message_size", queue.message_size);
    tree_.set_u32(at, "tx_queue_depth", queue.depth);
    std::vector<std::uint32_t> interrupts;
    append_interrupt(interrupts, queue.sends ? queue.not_full : queue.not_empty);
    tree_.set_cells(at, "interrupts", interrupts);
    set_label(tree_, at, queue.label);
}

/// The receiver's capability follows the sender's, and is the unit address.
void DeviceNodes::add_queue_pair(Offset parent, const fdt::QueueNode& pair, std::uint64_t sender,
                                 std::uint32_t handle)
{
    const bool is_rpc = config_.rpc && &pair == &*config_.rpc;
    const Offset at =
        tree_.add_node(parent, with_unit(generated_name(pair.path, pair.generate), sender + 1));
    set_device(at, pair.push_compatible, "qcom,gunyah-message-queue", {sender, sender + 1});
    std::vector<std::uint32_t> interrupts;
    append_interrupt(interrupts, pair.not_full);
    append_interrupt(interrupts, pair.not_empty);
    tree_.set_cells(at, "interrupts", interrupts);
    tree_.set_u32(at, "qcom,free-irq-start", 0);
    tree_.set_flag(at, "qcom,is-full-duplex");
    tree_.set_u32(at, "qcom,tx-message-size", pair.message_size);
    tree_.set_u32(at, "qcom,rx-message-size", pair.message_size);
    tree_.set_u32(at, "qcom,tx-queue-depth", pair.depth);
    tree_.set_u32(at, "qcom,rx-queue-depth", pair.depth);
    tree_.set_u32(at, "qcom,vdevice-handle", handle);
    if (!pair.peer.empty())
        tree_.set_texts(at, "peer", {pair.peer});
    if (!is_rpc)
        set_label(tree_, at, pair.label);
}

}  // namespace

void add_device_nodes(fdt::Tree& tree, Offset hypervisor, const fdt::VmConfigTree& config,
                      const Capabilities& capabilities)
{
    DeviceNodes nodes(tree, config);
    if (config.rpc)
        nodes.add_queue_pair(hypervisor, *config.rpc, capabilities.rpc(), 0);
    for (std::size_t i = 0; i < config.doorbells.size(); ++i)
        nodes.add_doorbell(hypervisor, config.doorbells[i], capabilities.doorbell(i));
    for (std::size_t i = 0; i < config.queues.size(); ++i) {
        const fdt::QueueNode& queue = config.queues[i];
        if (queue.sends && queue.receives)
            nodes.add_queue_pair(hypervisor, queue, capabilities.queue(i),
                                 kVdeviceHandleFirst + static_cast<std::uint32_t>(i));
        else
            nodes.add_queue(hypervisor, queue, capabilities.queue(i));
    }
}

}  // namespace gh::rm
