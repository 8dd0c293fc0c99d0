// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::hyp {

enum class ObjectType : std::uint8_t {
    Any,    // in a look-up: whatever it is
    Other,  // of which a guest has none: partition, address space, interrupt controller...
    Thread,
    Doorbell,
    MessageQueue,
};

/// Rights that the Resource Manager gives to guests; other rights of the same objects exist.
inline constexpr std::uint32_t kThreadPower = 1;
inline constexpr std::uint32_t kDoorbellSend = 1;
inline constexpr std::uint32_t kDoorbellReceive = 2;
inline constexpr std::uint32_t kQueueSend = 1;
inline constexpr std::uint32_t kQueueReceive = 2;

/// What a guest may name in a hypercall, and what it may do with it.
struct Capability {
    ObjectType object = ObjectType::Other;
    std::uint32_t rights = 0;
    unsigned index = 0;  // among the VM's objects of that type
};

}  // namespace gh::hyp
