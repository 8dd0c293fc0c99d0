// SPDX-License-Identifier: BSD-3-Clause
// MRS and MSR: who may, what is read, what a write changes. GIC and timer registers are the
// platform's. What Gunyah's guests see of the rest: golden guest-probe.
#include "base/bits.h"
#include "emulator/cpu/cpu.h"
#include "emulator/cpu/identification.h"

namespace gh::cpu {
namespace {

constexpr std::uint16_t kSPSR_EL1 = sysreg(3, 0, 4, 0, 0);
constexpr std::uint16_t kELR_EL1 = sysreg(3, 0, 4, 0, 1);
constexpr std::uint16_t kSP_EL0 = sysreg(3, 0, 4, 1, 0);
constexpr std::uint16_t kSPSel = sysreg(3, 0, 4, 2, 0);
constexpr std::uint16_t kCurrentEL = sysreg(3, 0, 4, 2, 2);
constexpr std::uint16_t kPAN = sysreg(3, 0, 4, 2, 3);
constexpr std::uint16_t kNZCV = sysreg(3, 3, 4, 2, 0);
constexpr std::uint16_t kDAIF = sysreg(3, 3, 4, 2, 1);
constexpr std::uint16_t kDIT = sysreg(3, 3, 4, 2, 5);
constexpr std::uint16_t kSSBS = sysreg(3, 3, 4, 2, 6);
constexpr std::uint16_t kFPCR = sysreg(3, 3, 4, 4, 0);
constexpr std::uint16_t kFPSR = sysreg(3, 3, 4, 4, 1);
constexpr std::uint16_t kSCTLR_EL1 = sysreg(3, 0, 1, 0, 0);
constexpr std::uint16_t kACTLR_EL1 = sysreg(3, 0, 1, 0, 1);
constexpr std::uint16_t kCPACR_EL1 = sysreg(3, 0, 1, 0, 2);
constexpr std::uint16_t kTTBR0_EL1 = sysreg(3, 0, 2, 0, 0);
constexpr std::uint16_t kTTBR1_EL1 = sysreg(3, 0, 2, 0, 1);
constexpr std::uint16_t kTCR_EL1 = sysreg(3, 0, 2, 0, 2);
constexpr std::uint16_t kAFSR0_EL1 = sysreg(3, 0, 5, 1, 0);
constexpr std::uint16_t kAFSR1_EL1 = sysreg(3, 0, 5, 1, 1);
constexpr std::uint16_t kESR_EL1 = sysreg(3, 0, 5, 2, 0);
constexpr std::uint16_t kFAR_EL1 = sysreg(3, 0, 6, 0, 0);
constexpr std::uint16_t kPAR_EL1 = sysreg(3, 0, 7, 4, 0);
constexpr std::uint16_t kMAIR_EL1 = sysreg(3, 0, 10, 2, 0);
constexpr std::uint16_t kAMAIR_EL1 = sysreg(3, 0, 10, 3, 0);
constexpr std::uint16_t kVBAR_EL1 = sysreg(3, 0, 12, 0, 0);
constexpr std::uint16_t kISR_EL1 = sysreg(3, 0, 12, 1, 0);
constexpr std::uint16_t kDISR_EL1 = sysreg(3, 0, 12, 1, 1);
constexpr std::uint16_t kCONTEXTIDR_EL1 = sysreg(3, 0, 13, 0, 1);
constexpr std::uint16_t kTPIDR_EL1 = sysreg(3, 0, 13, 0, 4);
constexpr std::uint16_t kTPIDR_EL0 = sysreg(3, 3, 13, 0, 2);
constexpr std::uint16_t kTPIDRRO_EL0 = sysreg(3, 3, 13, 0, 3);
constexpr std::uint16_t kSCXTNUM_EL0 = sysreg(3, 3, 13, 0, 7);
constexpr std::uint16_t kSCXTNUM_EL1 = sysreg(3, 0, 13, 0, 7);
constexpr std::uint16_t kMPIDR_EL1 = sysreg(3, 0, 0, 0, 5);
constexpr std::uint16_t kCCSIDR_EL1 = sysreg(3, 1, 0, 0, 0);
constexpr std::uint16_t kCLIDR_EL1_id = sysreg(3, 1, 0, 0, 1);
constexpr std::uint16_t kAIDR_EL1 = sysreg(3, 1, 0, 0, 7);
constexpr std::uint16_t kCSSELR_EL1 = sysreg(3, 2, 0, 0, 0);
constexpr std::uint16_t kCTR_EL0_id = sysreg(3, 3, 0, 0, 1);
constexpr std::uint16_t kDCZID_EL0_id = sysreg(3, 3, 0, 0, 7);
constexpr std::uint16_t kRNDR = sysreg(3, 3, 2, 4, 0);
constexpr std::uint16_t kRNDRRS = sysreg(3, 3, 2, 4, 1);
constexpr std::uint16_t kMDCCINT_EL1 = sysreg(2, 0, 0, 2, 0);
constexpr std::uint16_t kMDSCR_EL1 = sysreg(2, 0, 0, 2, 2);
constexpr std::uint16_t kMDRAR_EL1 = sysreg(2, 0, 1, 0, 0);
constexpr std::uint16_t kOSLAR_EL1 = sysreg(2, 0, 1, 0, 4);
constexpr std::uint16_t kOSLSR_EL1 = sysreg(2, 0, 1, 1, 4);
constexpr std::uint16_t kOSDLR_EL1 = sysreg(2, 0, 1, 3, 4);
constexpr std::uint16_t kMDCCSR_EL0 = sysreg(2, 3, 0, 1, 0);

/// SCTLR_EL1.EE and E0E stay 0: there is one endianness. All other bits are kept as written.
constexpr std::uint64_t kSctlrIgnored = 1ull << 25 | 1ull << 24;

unsigned op0_of(std::uint16_t id)
{
    return id >> 14;
}
unsigned op1_of(std::uint16_t id)
{
    return (id >> 11) & 7;
}
unsigned crn_of(std::uint16_t id)
{
    return (id >> 7) & 0xf;
}
unsigned crm_of(std::uint16_t id)
{
    return (id >> 3) & 0xf;
}
unsigned op2_of(std::uint16_t id)
{
    return id & 7;
}

/// CNT*_EL0 at EL0 need a bit of CNTKCTL_EL1, which the platform keeps.
constexpr std::uint16_t kCNTKCTL_EL1 = sysreg(3, 0, 14, 1, 0);

bool is_timer(std::uint16_t id)
{
    return op0_of(id) == 3 && op1_of(id) == 3 && crn_of(id) == 14;
}

bool is_platform(std::uint16_t id)
{
    const bool gic = op0_of(id) == 3 && op1_of(id) == 0 &&
                     (crn_of(id) == 12 || (crn_of(id) == 4 && crm_of(id) == 6));
    return gic || is_timer(id) || id == kCNTKCTL_EL1;
}

/// The CNTKCTL_EL1 bit that lets EL0 use a timer register (DDI 0487 D17.8, CNTKCTL_EL1).
unsigned timer_permission(std::uint16_t id)
{
    switch (crm_of(id)) {
    case 0: return op2_of(id) == 2 ? 1 : 0;  // CNTVCT: EL0VCTEN, CNTPCT: EL0PCTEN
    case 2: return 9;                        // CNTP_*: EL0PTEN
    default: return 8;                       // CNTV_*: EL0VTEN
    }
}

/// EL0 registers that need no permission.
bool is_free_for_el0(std::uint16_t id)
{
    switch (id) {
    case kNZCV:
    case kDIT:
    case kSSBS:
    case kFPCR:
    case kFPSR:
    case kTPIDR_EL0:
    case kTPIDRRO_EL0:
    case kDCZID_EL0_id:
    case kRNDR:
    case kRNDRRS: return true;
    default: return false;
    }
}

bool is_fp(std::uint16_t id)
{
    return id == kFPCR || id == kFPSR;
}

std::uint64_t* debug_register(State& state, std::uint16_t id)
{
    if (op0_of(id) != 2 || op1_of(id) != 0 || crn_of(id) != 0)
        return nullptr;
    const unsigned n = crm_of(id);
    switch (op2_of(id)) {
    case 4: return n < kBreakpoints ? &state.dbgbvr[n] : nullptr;
    case 5: return n < kBreakpoints ? &state.dbgbcr[n] : nullptr;
    case 6: return n < kWatchpoints ? &state.dbgwvr[n] : nullptr;
    case 7: return n < kWatchpoints ? &state.dbgwcr[n] : nullptr;
    default: return nullptr;
    }
}

/// Registers that only hold what was written.
std::uint64_t* plain_register(State& state, std::uint16_t id)
{
    switch (id) {
    case kSPSR_EL1: return &state.spsr_el1;
    case kELR_EL1: return &state.elr_el1;
    case kAFSR0_EL1: return &state.afsr0_el1;
    case kAFSR1_EL1: return &state.afsr1_el1;
    case kESR_EL1: return &state.esr_el1;
    case kFAR_EL1: return &state.far_el1;
    case kPAR_EL1: return &state.par_el1;
    case kVBAR_EL1: return &state.vbar_el1;
    case kCONTEXTIDR_EL1: return &state.contextidr_el1;
    case kTPIDR_EL1: return &state.tpidr_el1;
    case kTPIDR_EL0: return &state.tpidr_el0;
    case kTPIDRRO_EL0: return &state.tpidrro_el0;
    case kSCXTNUM_EL0: return &state.scxtnum_el0;
    case kSCXTNUM_EL1: return &state.scxtnum_el1;
    case kCSSELR_EL1: return &state.csselr_el1;
    case kMDSCR_EL1: return &state.mdscr_el1;
    default: return debug_register(state, id);
    }
}

}  // namespace

const Insn* Cpu::trap_system(const Insn* insn, std::uint16_t id, bool read) noexcept
{
    const std::uint32_t iss = op0_of(id) << 20 | op2_of(id) << 17 | op1_of(id) << 14 |
                              crn_of(id) << 10 | (insn->rd & 31u) << 5 | crm_of(id) << 1 |
                              (read ? 1u : 0);
    return synchronous(insn, ExceptionClass::TrappedSystem, iss);
}

bool Cpu::may_access(const Insn* insn, std::uint16_t id, bool read) noexcept
{
    if (is_fp(id) && (context_ & kContextFpTraps) != 0) {
        (void)synchronous(insn, ExceptionClass::TrappedFp, 0x1e0'0000);
        return false;
    }
    if (state_.el == 1 || (is_free_for_el0(id) && (read || id != kTPIDRRO_EL0)))
        return true;
    std::uint64_t permissions = 0;
    if (id == kCTR_EL0_id && bit(state_.sctlr_el1, 15))
        return true;
    if (id == kDAIF && bit(state_.sctlr_el1, 9))
        return true;
    if (id == kSCXTNUM_EL0 && !bit(state_.sctlr_el1, 20))  // TSCXT
        return true;
    if (is_timer(id) && platform_.read_register(*this, kCNTKCTL_EL1, permissions)) {
        const bool frequency = crm_of(id) == 0 && op2_of(id) == 0;
        if (frequency ? (permissions & 3) != 0 : bit(permissions, timer_permission(id)))
            return read || !frequency;
    }
    const bool trapped = is_timer(id) || id == kCTR_EL0_id || id == kDAIF || id == kSCXTNUM_EL0 ||
                         (op0_of(id) == 3 && crn_of(id) == 0);
    (void)(trapped ? trap_system(insn, id, read) : undefined(insn));
    return false;
}

bool Cpu::read_sysreg(const Insn* insn, std::uint16_t id, std::uint64_t& value) noexcept
{
    if (!may_access(insn, id, true))
        return false;
    if (const std::uint64_t* plain = plain_register(state_, id)) {
        value = *plain;
        return true;
    }
    if (is_platform(id) && id != kISR_EL1 && id != kVBAR_EL1 && id != kDISR_EL1) {
        if (platform_.read_register(*this, id, value))
            return true;
        (void)undefined(insn);
        return false;
    }
    if (read_special(id, value))
        return true;
    const bool identification = op0_of(id) == 3 && crn_of(id) == 0;
    (void)(identification ? trap_system(insn, id, true) : undefined(insn));
    return false;
}

bool Cpu::read_special(std::uint16_t id, std::uint64_t& value) noexcept
{
    switch (id) {
    case kSP_EL0: value = state_.sp_el0; return state_.sp_sel == 1;
    case kSPSel: value = state_.sp_sel; return true;
    case kCurrentEL: value = std::uint64_t{state_.el} << 2; return true;
    case kPAN: value = std::uint64_t{state_.pan} << 22; return true;
    case kNZCV: value = state_.nzcv; return true;
    case kDAIF: value = state_.daif; return true;
    case kDIT: value = std::uint64_t{state_.dit} << 24; return true;
    case kSSBS: value = std::uint64_t{state_.ssbs} << 12; return true;
    case kFPCR: value = state_.fpcr; return true;
    case kFPSR: value = state_.fpsr; return true;
    case kSCTLR_EL1: value = state_.sctlr_el1; return true;
    case kCPACR_EL1: value = state_.cpacr_el1; return true;
    case kTTBR0_EL1: value = state_.ttbr0_el1; return true;
    case kTTBR1_EL1: value = state_.ttbr1_el1; return true;
    case kTCR_EL1: value = state_.tcr_el1; return true;
    case kMAIR_EL1: value = state_.mair_el1; return true;
    case kISR_EL1: value = irq() ? 1u << 7 : 0; return true;
    case kMPIDR_EL1: value = mpidr_; return true;
    case kCCSIDR_EL1: value = cache_size(state_.csselr_el1); return true;
    case kCLIDR_EL1_id: value = kCLIDR_EL1; return true;
    case kCTR_EL0_id: value = kCTR_EL0; return true;
    case kDCZID_EL0_id: value = kDCZID_EL0; return true;
    case kMDCCINT_EL1: return true;  // the register keeps what it held (golden README 02.18)
    case kRNDR:
    case kRNDRRS:
        value = platform_.random();
        state_.nzcv = 0;
        return true;
    case kACTLR_EL1:
    case kAMAIR_EL1:
    case kDISR_EL1:
    case kAIDR_EL1:
    case kMDRAR_EL1:
    case kOSLSR_EL1:  // no OS lock (golden oslsr_el1)
    case kOSDLR_EL1:
    case kMDCCSR_EL0: value = 0; return true;
    default: break;
    }
    if (op0_of(id) != 3 || op1_of(id) != 0 || crn_of(id) != 0)
        return false;
    const auto known = identification_register(crm_of(id), op2_of(id));
    value = known.value_or(0);
    return known.has_value();
}

bool Cpu::write_sysreg(const Insn* insn, std::uint16_t id, std::uint64_t value) noexcept
{
    if (!may_access(insn, id, false))
        return false;
    if (std::uint64_t* const plain = plain_register(state_, id)) {
        *plain = value;
        if (op0_of(id) == 2)
            debug_registers_changed();
        return true;
    }
    const bool done = is_platform(id) && id != kDISR_EL1
                          ? platform_.write_register(*this, id, value)
                          : write_special(id, value);
    if (!done)
        (void)(op0_of(id) == 3 && op1_of(id) == 3 && crn_of(id) == 0 ? trap_system(insn, id, false)
                                                                     : undefined(insn));
    return done;
}

bool Cpu::write_special(std::uint16_t id, std::uint64_t value) noexcept
{
    switch (id) {
    case kSP_EL0:
        state_.sp_el0 = state_.sp_sel == 1 ? value : state_.sp_el0;
        return state_.sp_sel == 1;
    case kSPSel: set_sp_sel(value & 1); return true;
    case kPAN: set_pan(bit(value, 22)); return true;
    case kNZCV: state_.nzcv = static_cast<std::uint32_t>(value) & 0xf000'0000; return true;
    case kDAIF: set_daif(static_cast<std::uint32_t>(value)); return true;
    case kDIT: state_.dit = bit(value, 24); return true;
    case kSSBS: state_.ssbs = bit(value, 12); return true;
    case kFPCR: state_.fpcr = static_cast<std::uint32_t>(value) & kFpcrWritable; return true;
    case kFPSR: state_.fpsr = static_cast<std::uint32_t>(value) & kFpsrWritable; return true;
    case kACTLR_EL1:
    case kAMAIR_EL1:
    case kDISR_EL1:
    case kMDCCINT_EL1:
    case kOSLAR_EL1:
    case kOSDLR_EL1: return true;
    default: return write_translation_register(id, value);
    }
}

bool Cpu::write_translation_register(std::uint16_t id, std::uint64_t value) noexcept
{
    constexpr std::uint64_t kBase = 0xffff'ffff'ffff;
    switch (id) {
    case kSCTLR_EL1: {
        const std::uint64_t changed = (state_.sctlr_el1 ^ value) & ~kSctlrIgnored;
        state_.sctlr_el1 ^= changed;
        constexpr std::uint64_t kCached = 1ull << 57 | 1ull << 19 | 1ull << 1 | 1;  // EPAN WXN A M
        if ((changed & kCached) != 0)
            translation_changed();
        return true;
    }
    case kCPACR_EL1:
        state_.cpacr_el1 = value;
        update_context();
        return true;
    case kTTBR0_EL1:
        state_.ttbr0_el1 = value;
        address_space_changed();
        return true;
    case kTTBR1_EL1: {
        const bool moved = ((state_.ttbr1_el1 ^ value) & kBase) != 0;
        state_.ttbr1_el1 = value;
        moved ? translation_changed() : address_space_changed();
        return true;
    }
    case kTCR_EL1:
    case kMAIR_EL1: {
        std::uint64_t& current = id == kTCR_EL1 ? state_.tcr_el1 : state_.mair_el1;
        const bool changed = current != value;
        current = value;
        if (changed)
            translation_changed();
        return true;
    }
    default: return false;
    }
}

}  // namespace gh::cpu
