// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/generic_timer.h"

#include "base/bits.h"
#include "emulator/hyp/counter.h"

namespace gh::hyp {

namespace {

using cpu::sysreg;

enum : std::uint16_t {
    CNTFRQ_EL0 = sysreg(3, 3, 14, 0, 0),
    CNTPCT_EL0 = sysreg(3, 3, 14, 0, 1),
    CNTVCT_EL0 = sysreg(3, 3, 14, 0, 2),
    CNTKCTL_EL1 = sysreg(3, 0, 14, 1, 0),
    CNTP_TVAL_EL0 = sysreg(3, 3, 14, 2, 0),
    CNTP_CTL_EL0 = sysreg(3, 3, 14, 2, 1),
    CNTP_CVAL_EL0 = sysreg(3, 3, 14, 2, 2),
    CNTV_TVAL_EL0 = sysreg(3, 3, 14, 3, 0),
    CNTV_CTL_EL0 = sysreg(3, 3, 14, 3, 1),
    CNTV_CVAL_EL0 = sysreg(3, 3, 14, 3, 2),
};

constexpr unsigned kVirtual = 0;
constexpr unsigned kPhysical = 1;
constexpr std::array<unsigned, GenericTimer::kSlots> kPpi{27, 30};
constexpr std::uint64_t kCntkctlBits = 0x3ff;

}  // namespace

std::uint64_t Comparator::read_ctl(std::uint64_t now) const
{
    const bool istatus = enable && now >= cval;
    return (enable ? 1u : 0u) | (imask ? 2u : 0u) | (istatus ? 4u : 0u);
}

void Comparator::write_ctl(std::uint64_t value)
{
    enable = bit(value, 0);
    imask = bit(value, 1);
}

std::uint64_t Comparator::read_tval(std::uint64_t now) const
{
    return bits(cval - now, 0, 32);
}

void Comparator::write_tval(std::uint64_t value, std::uint64_t now)
{
    cval = now + sign_extend(bits(value, 0, 32), 32);
}

std::uint64_t Comparator::deadline(std::uint64_t now) const
{
    return enable && !imask && now < cval ? cval : Alarm::kNever;
}

bool GenericTimer::read_register(std::uint16_t id, std::uint64_t& value) noexcept
{
    switch (id) {
    case CNTVCT_EL0:
    case CNTPCT_EL0: value = counter_now(); return true;
    case CNTFRQ_EL0: value = kCounterFrequency; return true;
    default: break;
    }
    // Only this thread writes what is read here: no lock.
    const Comparator& virt = comparators_[kVirtual];
    const Comparator& phys = comparators_[kPhysical];
    switch (id) {
    case CNTKCTL_EL1: value = cntkctl_; return true;
    case CNTV_CTL_EL0: value = virt.read_ctl(counter_now()); return true;
    case CNTV_CVAL_EL0: value = virt.cval; return true;
    case CNTV_TVAL_EL0: value = virt.read_tval(counter_now()); return true;
    case CNTP_CTL_EL0: value = phys.read_ctl(counter_now()); return true;
    case CNTP_CVAL_EL0: value = phys.cval; return true;
    case CNTP_TVAL_EL0: value = phys.read_tval(counter_now()); return true;
    default: return false;
    }
}

bool GenericTimer::write_register(std::uint16_t id, std::uint64_t value, Alarm& alarm) noexcept
{
    if (id == CNTKCTL_EL1) {
        cntkctl_ = value & kCntkctlBits;
        return true;
    }
    const std::scoped_lock lock(mutex_);
    Comparator& virt = comparators_[kVirtual];
    Comparator& phys = comparators_[kPhysical];
    switch (id) {
    case CNTV_CTL_EL0: virt.write_ctl(value); break;
    case CNTV_CVAL_EL0: virt.cval = value; break;
    case CNTV_TVAL_EL0: virt.write_tval(value, counter_now()); break;
    case CNTP_CTL_EL0: phys.write_ctl(value); break;
    case CNTP_CVAL_EL0: phys.cval = value; break;
    case CNTP_TVAL_EL0: phys.write_tval(value, counter_now()); break;
    default: return false;
    }
    const bool is_virtual = id == CNTV_CTL_EL0 || id == CNTV_CVAL_EL0 || id == CNTV_TVAL_EL0;
    update(is_virtual ? kVirtual : kPhysical, alarm);
    return true;
}

void GenericTimer::update(unsigned which, Alarm& alarm) noexcept
{
    const std::uint64_t now = counter_now();
    const bool output = comparators_[which].output(now);
    if (output != asserted_[which])
        gic_.set_ppi(pe_, kPpi[which], output);
    asserted_[which] = output;
    alarm.set(kSlots * pe_ + which, comparators_[which].deadline(now));
}

void GenericTimer::ring(unsigned which) noexcept
{
    const std::scoped_lock lock(mutex_);
    if (asserted_[which] || !comparators_[which].output(counter_now()))
        return;
    asserted_[which] = true;
    gic_.set_ppi(pe_, kPpi[which], true);
}

}  // namespace gh::hyp
