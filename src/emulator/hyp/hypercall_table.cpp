// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/hypercall_table.h"

namespace gh::hyp {
namespace {

using enum ObjectType;

/// A right of every object, which its maker has.
constexpr std::uint32_t kActivate = 0x8000'0000;

struct Row {
    std::uint8_t first, last;
    std::uint8_t arguments;
    std::uint8_t outputs;
    ObjectType object = Other;
    std::uint32_t rights = 0;
    bool reserved_ones = false;
};

/// From the table of gunyah-guest-abi.md 4, objects and rights from its lists of rights and from
/// the hypervisor's source. Calls whose object or right no guest has are here for their error.
constexpr Row kRows[] = {
    {0x00, 0x00, 8, 4},
    {0x01, 0x07, 2, 1},
    {0x09, 0x0b, 2, 1},
    {0x0c, 0x0c, 1, 0, Any, kActivate},
    {0x0d, 0x0d, 2, 0},
    {0x0e, 0x0e, 1, 0, Any, kActivate},
    {0x0f, 0x0f, 2, 0},
    {0x10, 0x10, 3, 0, Doorbell, 4},
    {0x11, 0x11, 1, 0, Doorbell, 4},
    {0x12, 0x12, 2, 1, Doorbell, kDoorbellSend},
    {0x13, 0x13, 2, 1, Doorbell, kDoorbellReceive},
    {0x14, 0x14, 1, 0, Doorbell, kDoorbellReceive},
    {0x15, 0x15, 3, 0, Doorbell, kDoorbellReceive},
    {0x17, 0x17, 3, 0, MessageQueue, 4},
    {0x18, 0x18, 3, 0, MessageQueue, 8},
    {0x19, 0x19, 1, 0, MessageQueue, 4},
    {0x1a, 0x1a, 1, 0, MessageQueue, 8},
    {0x1b, 0x1b, 4, 1, MessageQueue, kQueueSend},
    {0x1c, 0x1c, 3, 2, MessageQueue, kQueueReceive},
    {0x1d, 0x1d, 1, 0, MessageQueue, kQueueReceive},
    {0x1f, 0x1f, 3, 0, MessageQueue, kQueueSend, true},
    {0x20, 0x20, 3, 0, MessageQueue, kQueueReceive, true},
    {0x21, 0x21, 2, 0, Any, kActivate},
    {0x22, 0x22, 2, 0},
    {0x23, 0x23, 4, 1},
    {0x24, 0x24, 2, 0},
    {0x25, 0x25, 2, 0},
    {0x26, 0x26, 3, 0},
    {0x27, 0x27, 1, 0},
    {0x28, 0x28, 5, 0},
    {0x29, 0x29, 3, 0},
    {0x2a, 0x2a, 2, 0},
    {0x2b, 0x2c, 7, 0},
    {0x2d, 0x2d, 6, 0},
    {0x2e, 0x2e, 2, 0},
    {0x2f, 0x2f, 3, 0},
    {0x30, 0x33, 8, 0},
    {0x34, 0x34, 2, 0, Any, kActivate},
    {0x38, 0x38, 4, 0, Thread, kThreadPower},
    {0x39, 0x39, 2, 0, Thread, kThreadPower},
    {0x3a, 0x3a, 1, 0, Thread, 0x80},
    {0x3b, 0x3b, 2, 0},
    {0x3c, 0x3c, 8, 0},
    {0x3d, 0x3d, 2, 0, Thread, 2, true},
    {0x3e, 0x45, 8, 0},
    {0x46, 0x46, 8, 0, Thread, 4},
    {0x47, 0x47, 8, 0, Thread, 8},
    {0x48, 0x48, 2, 1},
    {0x49, 0x56, 8, 0},
    {0x57, 0x57, 1, 4},
    {0x58, 0x59, 8, 0},
    {0x5a, 0x5a, 4, 3},
    {0x5b, 0x5b, 8, 0},
    {0x5c, 0x5c, 4, 0, Thread, 0x20},
    {0x5d, 0x5d, 2, 0, Thread, 0x20},
    {0x5e, 0x63, 8, 0},
    {0x64, 0x64, 4, 0, Thread, 0x100},
    {0x65, 0x65, 8, 4, Thread, 0x12},
    {0x66, 0x67, 8, 0},
    {0x68, 0x68, 8, 4, Thread, 0x40},
    {0x69, 0x69, 8, 1},
};

constexpr std::array<Signature, 256> table()
{
    std::array<Signature, 256> all{};
    for (const Row& row : kRows)
        for (unsigned n = row.first; n <= row.last; ++n)
            all[n] = {row.arguments, row.outputs, row.object, row.rights, row.reserved_ones, true};
    return all;
}

}  // namespace

constexpr std::array<Signature, 256> kHypercalls = table();

}  // namespace gh::hyp
