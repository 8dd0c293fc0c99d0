// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/rm/error.h"
#include "emulator/rm/rpc_link.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gh::fdt {
struct VmConfigTree;
}

namespace gh::rm {

/// What the Resource Manager answers to a running guest (gunyah-guest-abi.md 4.2; details as in its
/// source). Not here, and Unimplemented: memory parcels and interrupts that a guest accepts or
/// gives. Of other VMs it knows the host alone.
class RpcServer {
public:
    RpcServer(const fdt::VmConfigTree& tree, std::uint16_t vmid);

    /// To be called when the guest has used a queue of its link.
    void run(hyp::MessageOwner& vm) { link_.run(vm); }
    /// The guest has said why it crashes, so its end is a software error. Any thread.
    [[nodiscard]] bool crashed() const noexcept { return crashed_; }

private:
    using Bytes = std::span<const std::byte>;
    using Payload = std::vector<std::byte>;
    /// A VM by what it is called.
    struct Identity {
        std::uint16_t vmid = 0;
        std::array<std::byte, 16> guid{};
        std::string name;
        std::string uri;
    };
    /// An entry of GET_HYP_RESOURCES.
    struct Resource {
        std::uint8_t type = 0;
        std::uint32_t label = 0;
        std::uint64_t capability = 0;
        std::uint32_t virq = 0;
    };

    Payload answer(hyp::MessageOwner& vm, std::uint32_t id, Bytes request);
    [[nodiscard]] const Identity* find(std::uint16_t vmid) const;
    [[nodiscard]] Payload get_state(Bytes request) const;
    [[nodiscard]] Payload get_id(Bytes request) const;
    template <class Is>
    [[nodiscard]] Payload look_up(Bytes key, Is is) const;
    template <class Is>
    [[nodiscard]] Payload look_up_text(Bytes request, Is is) const;
    [[nodiscard]] Payload get_hyp_resources(Bytes request) const;
    [[nodiscard]] Error for_owner(Bytes request, std::size_t size, Error not_owner) const;
    Error exit(hyp::MessageOwner& vm, Bytes request);
    Error set_crash_message(Bytes request);
    Error console(std::uint32_t id, Bytes request);

    std::array<Identity, 2> vms_;  // the guest and the host
    bool has_console_ = false;
    bool console_open_ = false;
    std::vector<Resource> resources_;
    std::atomic<bool> crashed_{false};
    RpcLink link_;
};

}  // namespace gh::rm
