// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/interrupt_bank.h"

#include "emulator/hyp/gic_registers.h"

namespace gh::hyp {

std::uint32_t InterruptBank::read_bits(unsigned offset) const
{
    switch (offset) {
    case GICD_IGROUPR: return group;
    case GICD_ISENABLER:
    case GICD_ICENABLER: return enabled;
    case GICD_ISPENDR:
    case GICD_ICPENDR: return pending();
    case GICD_ISACTIVER:
    case GICD_ICACTIVER: return active;
    default: return 0;
    }
}

void InterruptBank::write_bits(unsigned offset, std::uint32_t value)
{
    value &= implemented;
    switch (offset) {
    case GICD_IGROUPR: group = value; break;
    case GICD_ISENABLER: enabled |= value; break;
    case GICD_ICENABLER: enabled &= ~value; break;
    case GICD_ISPENDR: latch |= value; break;
    case GICD_ICPENDR: latch &= ~value; break;
    case GICD_ISACTIVER: active |= value; break;
    case GICD_ICACTIVER: active &= ~value; break;
    default: break;
    }
}

std::uint32_t InterruptBank::read_config(unsigned half) const
{
    std::uint32_t value = 0;
    for (unsigned i = 0; i < 16; ++i)
        value |= (edge >> (16 * half + i) & 1) << (2 * i + 1);
    return value;
}

void InterruptBank::write_config(unsigned half, std::uint32_t value)
{
    std::uint32_t wanted = 0;
    for (unsigned i = 0; i < 16; ++i)
        wanted |= (value >> (2 * i + 1) & 1) << (16 * half + i);
    const std::uint32_t mask = (0xffffu << (16 * half)) & implemented;
    wanted &= mask;
    // An asserted line that becomes an edge stays pending: it may have risen before the guest
    // said what it is.
    latch |= line & wanted & ~edge;
    edge = (edge & ~mask) | wanted;
}

void InterruptBank::write_priority(unsigned index, std::uint8_t value)
{
    if ((implemented >> index & 1) != 0)
        priority[index] = value & kPriorityMask;
}

}  // namespace gh::hyp
