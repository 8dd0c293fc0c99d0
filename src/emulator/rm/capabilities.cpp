// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/capabilities.h"

#include "fdt/vm_config.h"

namespace gh::rm {

using hyp::ObjectType;

Capabilities::Capabilities(const fdt::VmConfigTree& tree)
{
    unsigned vcpus = 0;
    for (const fdt::CpuNode& cpu : tree.cpus)
        if (!tree.psci && cpu.status != fdt::CpuNode::Status::Failed)
            all_.push_back({ObjectType::Thread, hyp::kThreadPower, vcpus++});

    const auto add_end = [this](const fdt::QueueNode& queue, bool sends) {
        const auto index = static_cast<unsigned>(message_queues_.size());
        all_.push_back(
            {ObjectType::MessageQueue, sends ? hyp::kQueueSend : hyp::kQueueReceive, index});
        message_queues_.push_back({.guest_sends = sends,
                                   .intid = sends ? queue.not_full.intid : queue.not_empty.intid,
                                   .message_size = queue.message_size,
                                   .depth = queue.depth});
    };
    const auto add = [&](const fdt::QueueNode& queue) {
        const std::uint64_t first = all_.size();
        if (queue.sends)
            add_end(queue, true);
        if (queue.receives)
            add_end(queue, false);
        return first;
    };
    if (tree.rpc)
        rpc_ = add(*tree.rpc);

    first_bell_ = all_.size();
    for (std::size_t i = 0; i < tree.doorbells.size(); ++i) {
        const fdt::DoorbellNode& bell = tree.doorbells[i];
        std::uint32_t rights = hyp::kDoorbellReceive;
        if (bell.source)
            rights = hyp::kDoorbellSend | (bell.source_can_clear ? hyp::kDoorbellReceive : 0);
        all_.push_back({ObjectType::Doorbell, rights, static_cast<unsigned>(i)});
    }
    for (const fdt::QueueNode& queue : tree.queues)
        queues_.push_back(add(queue));
}

}  // namespace gh::rm
