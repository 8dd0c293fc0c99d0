// SPDX-License-Identifier: BSD-3-Clause
// Message queues, and the pair of them by which a guest speaks to the Resource Manager
// (gunyah-guest-abi.md 1.6). What is not in golden/ was read in its source (real-gunyah.md).
#include "fdt/vm_config_reader.h"

namespace gh::fdt {
namespace {

constexpr std::uint32_t kRpcMessageSize = 240;
constexpr std::uint32_t kMessageSizeEnd = 1024;  // the hypervisor's
constexpr std::uint32_t kDepthEnd = 256;
constexpr std::size_t kMaxPushCompatible = 6;
constexpr std::size_t kRpcCompatible = 3;  // that the RM pushes itself

}  // namespace

/// The RM keeps 16 bits of sizes and depths.
QueueNode VmConfigReader::read_queue_basics(Offset node, const char* generate, bool sends,
                                            bool receives)
{
    QueueNode queue;
    queue.path = path_of(node);
    queue.generate = view_.text(node, "generate").value_or(generate);
    queue.label = label(node);
    queue.sends = sends;
    queue.receives = receives;
    queue.message_size = view_.u32(node, "message-size").value_or(queue.message_size) & 0xffff;
    queue.depth = view_.u32(node, "queue-depth").value_or(queue.depth) & 0xffff;
    queue.push_compatible = view_.texts(node, "push-compatible");
    if (!view_.has(node, "interrupts"))
        return queue;  // as usual: the RM chooses
    const auto interrupts = read_vdevice_interrupts(node, sends && receives ? 2 : 1);
    queue.not_full = interrupts.front();
    queue.not_empty = interrupts.back();
    return queue;
}

void VmConfigReader::read_queue(Offset node)
{
    const bool sends = view_.has(node, "is-sender");
    if (sends == view_.has(node, "is-receiver"))
        return refuse(node, "message-queue", "exactly one of is-sender and is-receiver is needed");
    if (!view_.has(node, "peer-default"))
        return refuse(node, "vdevice-peer", "peer-default is not there");
    out_.queues.push_back(read_queue_basics(node, "/hypervisor/qcom,message-queue", sends, !sends));
}

void VmConfigReader::read_queue_pair(Offset node)
{
    if (!peer_is_good(node))
        return;
    QueueNode pair = read_queue_basics(node, "/hypervisor/qcom,message-queue-pair", true, true);
    if (!view_.has(node, "peer-default"))
        pair.peer = view_.text(node, "peer").value_or("");
    out_.queues.push_back(std::move(pair));
}

void VmConfigReader::read_rpc(Offset node)
{
    QueueNode rpc = read_queue_basics(node, "", true, true);
    rpc.console = view_.has(node, "console-dev");
    if (rpc.push_compatible.size() + kRpcCompatible > kMaxPushCompatible)
        return refuse(node, "rm-rpc",
                      "push-compatible may have three texts here: the Resource Manager adds three");
    rpc.push_compatible.insert(
        rpc.push_compatible.end(),
        {"gunyah-resource-manager", "qcom,resource-manager", "qcom,resource-manager-1-0"});
    rpcs_++;
    out_.rpc = std::move(rpc);
}

void VmConfigReader::check_queues()
{
    check_rpc();
    for (const QueueNode& queue : out_.queues)
        check_queue(queue);
}

void VmConfigReader::check_queue(const QueueNode& queue)
{
    if (queue.message_size == 0 || queue.message_size >= kMessageSizeEnd || queue.depth == 0 ||
        queue.depth >= kDepthEnd)
        refuse(RmError::NoResource, "queue-size", queue.path,
               "message-size must be 1 to 1023 bytes and queue-depth 1 to 255 messages");
}

/// What a tree may do to the RM with its link to it.
void VmConfigReader::check_rpc()
{
    if (!out_.rpc)
        return;
    check_queue(*out_.rpc);
    if (rpcs_ > 1)
        return refuse(RmError::NoResource, "rm-rpc", out_.rpc->path,
                      "a VM has one link to the Resource Manager");
    const char* const death =
        out_.rpc->generate.empty() ? "without generate the Resource Manager faults"
        : out_.rpc->message_size < kRpcMessageSize
            ? "the Resource Manager ends itself over a message that is longer than message-size, "
              "which must be 240"
            : nullptr;
    if (death == nullptr)
        return;
    refuse(RmError::NoResource, "rm-rpc", out_.rpc->path, death);
    out_.findings.back().kind = Finding::Kind::Fatal;
}

}  // namespace gh::fdt
