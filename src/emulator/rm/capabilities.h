// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/vm.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gh::fdt {
struct VmConfigTree;
}

namespace gh::rm {

/// The capabilities that a guest gets, numbered in the order in which the Resource Manager makes
/// its devices: vCPUs (without PSCI), the link to itself, doorbells, message queues
/// (gunyah-guest-abi.md 1.6; golden/dtb/patched). And the hypervisor's message queues in that
/// order: those of the link are 0, to which the guest sends, and 1.
class Capabilities {
public:
    explicit Capabilities(const fdt::VmConfigTree& tree);

    // The number of a device's capability, by the device's index; of a pair of queues that of the
    // one to send to, after which comes the other.
    [[nodiscard]] std::uint64_t vcpu(std::size_t index) const { return index; }
    [[nodiscard]] std::uint64_t rpc() const { return rpc_; }
    [[nodiscard]] std::uint64_t doorbell(std::size_t index) const { return first_bell_ + index; }
    [[nodiscard]] std::uint64_t queue(std::size_t index) const { return queues_[index]; }

    [[nodiscard]] const std::vector<hyp::Capability>& all() const { return all_; }
    [[nodiscard]] const std::vector<hyp::MessageQueueConfig>& message_queues() const
    {
        return message_queues_;
    }

private:
    std::vector<hyp::Capability> all_;
    std::vector<hyp::MessageQueueConfig> message_queues_;
    std::uint64_t rpc_ = 0;
    std::uint64_t first_bell_ = 0;
    std::vector<std::uint64_t> queues_;
};

}  // namespace gh::rm
