// SPDX-License-Identifier: BSD-3-Clause
// The system registers of the GIC CPU interface. Document: IHI 0069, 12.2; what is UNDEFINED, and
// when, is as golden/guest-probe.golden.txt shows.
#include "base/bits.h"
#include "emulator/hyp/gic.h"

#include <algorithm>

namespace gh::hyp {

namespace {

using cpu::sysreg;

enum : std::uint16_t {
    ICC_PMR_EL1 = sysreg(3, 0, 4, 6, 0),
    ICC_IAR0_EL1 = sysreg(3, 0, 12, 8, 0),
    ICC_EOIR0_EL1 = sysreg(3, 0, 12, 8, 1),
    ICC_HPPIR0_EL1 = sysreg(3, 0, 12, 8, 2),
    ICC_BPR0_EL1 = sysreg(3, 0, 12, 8, 3),
    ICC_AP0R0_EL1 = sysreg(3, 0, 12, 8, 4),
    ICC_AP1R0_EL1 = sysreg(3, 0, 12, 9, 0),
    ICC_DIR_EL1 = sysreg(3, 0, 12, 11, 1),
    ICC_RPR_EL1 = sysreg(3, 0, 12, 11, 3),
    ICC_SGI1R_EL1 = sysreg(3, 0, 12, 11, 5),
    ICC_ASGI1R_EL1 = sysreg(3, 0, 12, 11, 6),
    ICC_SGI0R_EL1 = sysreg(3, 0, 12, 11, 7),
    ICC_IAR1_EL1 = sysreg(3, 0, 12, 12, 0),
    ICC_EOIR1_EL1 = sysreg(3, 0, 12, 12, 1),
    ICC_HPPIR1_EL1 = sysreg(3, 0, 12, 12, 2),
    ICC_BPR1_EL1 = sysreg(3, 0, 12, 12, 3),
    ICC_CTLR_EL1 = sysreg(3, 0, 12, 12, 4),
    ICC_SRE_EL1 = sysreg(3, 0, 12, 12, 5),
    ICC_IGRPEN0_EL1 = sysreg(3, 0, 12, 12, 6),
    ICC_IGRPEN1_EL1 = sysreg(3, 0, 12, 12, 7),
};

constexpr std::uint64_t kCtlrA3v = 1u << 15;
constexpr std::uint64_t kCtlrIdBits24 = 1u << 11;
constexpr std::uint64_t kCtlrPriorityBits = 4u << 8;  // 5 bits
constexpr std::uint64_t kSre = 7;                     // DIB, DFB, SRE: fixed

std::uint64_t read_control(const CpuInterface& it)
{
    return kCtlrA3v | kCtlrIdBits24 | kCtlrPriorityBits | (it.eoi_mode ? 2u : 0u) |
           (it.cbpr ? 1u : 0u);
}

std::uint64_t read_bpr1(const CpuInterface& it)
{
    return it.cbpr ? std::min<std::uint64_t>(it.bpr0 + 1u, 7) : it.bpr1;
}

std::uint8_t binary_point(std::uint64_t value, std::uint8_t least)
{
    return std::max(static_cast<std::uint8_t>(bits(value, 0, 3)), least);
}

}  // namespace

bool Gic::read_register(unsigned pe, std::uint16_t id, std::uint64_t& value) noexcept
{
    const std::scoped_lock lock(mutex_);
    CpuInterface& it = pes_[pe].interface;
    switch (id) {
    case ICC_PMR_EL1: value = it.pmr; return true;
    case ICC_RPR_EL1: value = it.running_priority(); return true;
    case ICC_CTLR_EL1: value = read_control(it); return true;
    case ICC_SRE_EL1: value = kSre; return true;
    case ICC_IGRPEN0_EL1: value = 0; return true;
    case ICC_IGRPEN1_EL1: value = it.enabled; return true;
    default: break;
    }
    if (!it.enabled)
        return false;
    switch (id) {
    case ICC_IAR1_EL1: value = acknowledge(pe); return true;
    case ICC_HPPIR1_EL1: value = best(pes_[pe]).intid; return true;
    case ICC_IAR0_EL1:
    case ICC_HPPIR0_EL1: value = kSpurious; return true;
    case ICC_BPR0_EL1: value = it.bpr0; return true;
    case ICC_BPR1_EL1: value = read_bpr1(it); return true;
    case ICC_AP0R0_EL1: value = it.ap0; return true;
    case ICC_AP1R0_EL1: value = it.ap1; return true;
    default: return false;
    }
}

bool Gic::write_register(unsigned pe, std::uint16_t id, std::uint64_t value) noexcept
{
    const std::scoped_lock lock(mutex_);
    CpuInterface& it = pes_[pe].interface;
    const auto intid = static_cast<unsigned>(bits(value, 0, 24));
    switch (id) {
    case ICC_EOIR1_EL1: end_of_interrupt(pe, intid); return true;
    case ICC_SGI1R_EL1: send_sgi(pe, value); return true;
    case ICC_DIR_EL1:
        if (it.eoi_mode)
            deactivate(pe, intid);
        return true;
    case ICC_EOIR0_EL1:  // nothing of group 0 is ever acknowledged or sent
    case ICC_SGI0R_EL1:
    case ICC_ASGI1R_EL1:
    case ICC_SRE_EL1:
    case ICC_IGRPEN0_EL1: return true;
    case ICC_PMR_EL1: it.pmr = static_cast<std::uint8_t>(value) & kPriorityMask; break;
    case ICC_BPR0_EL1: it.bpr0 = binary_point(value, CpuInterface::kMinBpr0); break;
    case ICC_BPR1_EL1:
        if (!it.cbpr)
            it.bpr1 = binary_point(value, CpuInterface::kMinBpr1);
        break;
    case ICC_CTLR_EL1:
        it.cbpr = bit(value, 0);
        it.eoi_mode = bit(value, 1);
        break;
    case ICC_IGRPEN1_EL1: it.enabled = bit(value, 0); break;
    case ICC_AP0R0_EL1: it.ap0 = static_cast<std::uint32_t>(value); break;
    case ICC_AP1R0_EL1: it.ap1 = static_cast<std::uint32_t>(value); break;
    default: return false;
    }
    signal(pe);
    return true;
}

}  // namespace gh::hyp
