// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/capability.h"

#include <array>
#include <cstdint>

namespace gh::hyp {

/// Hypercalls that do something for a guest.
enum Hypercall : unsigned {
    HYPERVISOR_IDENTIFY = 0x00,
    DOORBELL_SEND = 0x12,
    DOORBELL_RECEIVE = 0x13,
    DOORBELL_RESET = 0x14,
    DOORBELL_MASK = 0x15,
    MSGQUEUE_SEND = 0x1b,
    MSGQUEUE_RECEIVE = 0x1c,
    MSGQUEUE_FLUSH = 0x1d,
    MSGQUEUE_CONFIGURE_SEND = 0x1f,
    MSGQUEUE_CONFIGURE_RECEIVE = 0x20,
    VCPU_CONFIGURE = 0x34,
    VCPU_POWERON = 0x38,
    VCPU_POWEROFF = 0x39,
    SCHEDULER_YIELD = 0x3b,
    PRNG_GET_ENTROPY = 0x57,
    ADDRSPACE_MODIFY_PAGES = 0x69,
};

/// What a call checks before it does anything.
struct Signature {
    std::uint8_t arguments = 8;             // of its own; the next one is reserved (8: none is)
    std::uint8_t outputs = 0;               // registers that it returns beside the error
    ObjectType object = ObjectType::Other;  // that the first argument must name,
    std::uint32_t rights = 0;               // with these rights
    bool reserved_ones = false;             // what is reserved must be -1, not 0
    bool exists = false;
};

/// By number. addrspace_modify_pages came with demand paging and exists only there (golden
/// hyp.0x69.modify_pages).
extern const std::array<Signature, 256> kHypercalls;

}  // namespace gh::hyp
