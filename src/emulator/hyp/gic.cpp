// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/gic.h"

#include "base/bits.h"

#include <bit>

namespace gh::hyp {

namespace {

constexpr std::uint32_t kAllSpis = ~0u;

std::uint32_t affinity_of(std::uint64_t mpidr)
{
    return static_cast<std::uint32_t>(bits(mpidr, 32, 8) << 24 | bits(mpidr, 0, 24));
}

}  // namespace

Gic::Gic(const GicLayout& layout, const std::vector<std::uint64_t>& mpidrs, IrqSink& sink)
    : layout_(layout),
      sink_(sink),
      pes_(std::make_unique<Pe[]>(mpidrs.size())),
      pe_count_(static_cast<unsigned>(mpidrs.size()))
{
    for (unsigned i = 0; i < pe_count_; ++i) {
        pes_[i].affinity = affinity_of(mpidrs[i]);
        pes_[i].bank.edge = 0xffff;  // SGIs
    }
    banks_[0].implemented = 0;
    banks_[0].edge = 0xffff;  // golden gicd.icfgr0
    banks_[31].implemented = bits(~0u, 0, kSpiEnd % 32);
    pes_[0].routed.fill(kAllSpis);
}

InterruptBank& Gic::bank_of(unsigned pe, unsigned intid) noexcept
{
    return intid < kFirstSpi ? pes_[pe].bank : banks_[intid / 32];
}

Gic::Candidate Gic::best(const Pe& pe) const noexcept
{
    Candidate found;
    if ((ctlr_ & kCtlrEnableGroup1) == 0)
        return found;
    const auto consider = [&](const InterruptBank& bank, std::uint32_t ready, unsigned first) {
        for (; ready != 0; ready &= ready - 1) {
            const auto index = static_cast<unsigned>(std::countr_zero(ready));
            if (bank.priority[index] < found.priority)
                found = {first + index, bank.priority[index]};
        }
    };
    consider(pe.bank, pe.bank.ready(), 0);
    for (std::uint32_t left = ready_banks_; left != 0; left &= left - 1) {
        const auto n = static_cast<unsigned>(std::countr_zero(left));
        consider(banks_[n], banks_[n].ready() & pe.routed[n], 32 * n);
    }
    return found;
}

void Gic::signal(unsigned pe) noexcept
{
    Pe& it = pes_[pe];
    const bool irq = it.interface.enabled && it.interface.accepts(best(it).priority);
    if (irq == it.irq)
        return;
    it.irq = irq;
    sink_.set_irq(pe, irq);
}

void Gic::signal_all() noexcept
{
    ready_banks_ = 0;
    for (unsigned n = 1; n < banks_.size(); ++n)
        ready_banks_ |= (banks_[n].ready() != 0 ? 1u : 0u) << n;
    for (unsigned pe = 0; pe < pe_count_; ++pe)
        signal(pe);
}

void Gic::spi_changed(unsigned intid) noexcept
{
    const std::uint32_t bank = 1u << (intid / 32);
    if (banks_[intid / 32].ready() != 0)
        ready_banks_ |= bank;
    else
        ready_banks_ &= ~bank;
    signal(target_[intid]);
}

void Gic::route(unsigned intid, unsigned pe) noexcept
{
    const unsigned old = target_[intid];
    const std::uint32_t bit = 1u << (intid % 32);
    pes_[old].routed[intid / 32] &= ~bit;
    pes_[pe].routed[intid / 32] |= bit;
    target_[intid] = static_cast<std::uint8_t>(pe);
    signal(old);
    signal(pe);
}

unsigned Gic::acknowledge(unsigned pe) noexcept
{
    Pe& it = pes_[pe];
    const Candidate chosen = best(it);
    if (!it.interface.accepts(chosen.priority))
        return kSpurious;
    InterruptBank& bank = bank_of(pe, chosen.intid);
    const std::uint32_t bit = 1u << (chosen.intid % 32);
    bank.active |= bit;
    bank.latch &= ~bit;
    if (chosen.intid < kFirstSpi) {
        bank.line &= ~bit;
        it.unseen.store((it.wires & ~bank.line) != 0, std::memory_order_release);
    }
    it.interface.activate(chosen.priority);
    chosen.intid < kFirstSpi ? signal(pe) : spi_changed(chosen.intid);
    return chosen.intid;
}

void Gic::end_of_interrupt(unsigned pe, unsigned intid) noexcept
{
    if (intid >= kSpiEnd)
        return;
    pes_[pe].interface.drop();
    if (pes_[pe].interface.eoi_mode)
        signal(pe);
    else
        deactivate(pe, intid);
}

void Gic::deactivate(unsigned pe, unsigned intid) noexcept
{
    if (intid >= kSpiEnd)
        return;
    Pe& it = pes_[pe];
    InterruptBank& bank = bank_of(pe, intid);
    const std::uint32_t bit = 1u << (intid % 32);
    bank.active &= ~bit;
    if (intid < kFirstSpi)
        bank.line |= it.wires & bit;
    else
        spi_changed(intid);
    signal(pe);
}

/// ICC_SGI1R_EL1 (IHI 0069, 12.2.20). RSS is 0, so a range selector other than 0 hits nobody.
void Gic::send_sgi(unsigned from, std::uint64_t value) noexcept
{
    const std::uint32_t sgi = 1u << bits(value, 24, 4);
    const bool all_others = bit(value, 40);
    const auto cluster = static_cast<std::uint32_t>(
        bits(value, 48, 8) << 24 | bits(value, 32, 8) << 16 | bits(value, 16, 8) << 8);
    for (unsigned pe = 0; pe < pe_count_; ++pe) {
        Pe& it = pes_[pe];
        const std::uint32_t aff0 = it.affinity & 0xff;
        const bool listed = (it.affinity & ~0xffu) == cluster && bits(value, 44, 4) == 0 &&
                            aff0 < 16 && bit(value, aff0);
        if (!(all_others ? pe != from : listed) || (it.bank.group & sgi) == 0)
            continue;
        it.bank.latch |= sgi;
        signal(pe);
    }
}

void Gic::set_ppi(unsigned pe, unsigned intid, bool asserted) noexcept
{
    const std::scoped_lock lock(mutex_);
    Pe& it = pes_[pe];
    const std::uint32_t bit = 1u << intid;
    if (asserted && (it.wires & bit) == 0)
        it.bank.latch |= it.bank.edge & bit;
    if (asserted) {
        it.wires |= bit;
        it.bank.line |= bit;
        signal(pe);
    } else {
        it.wires &= ~bit;
    }
    it.unseen.store((it.wires & ~it.bank.line) != 0, std::memory_order_release);
}

void Gic::see_levels(unsigned pe) noexcept
{
    const std::scoped_lock lock(mutex_);
    Pe& it = pes_[pe];
    it.bank.line |= it.wires;
    it.unseen.store(false, std::memory_order_release);
    signal(pe);
}

void Gic::set_spi(unsigned intid, bool asserted) noexcept
{
    const std::scoped_lock lock(mutex_);
    InterruptBank& bank = banks_[intid / 32];
    const std::uint32_t bit = 1u << (intid % 32);
    const std::uint32_t level = asserted ? bit : 0;
    bank.latch |= level & bank.edge & ~bank.line;
    bank.line = (bank.line & ~bit) | level;
    spi_changed(intid);
}

void Gic::ring_spi(unsigned intid, bool asserted) noexcept
{
    const std::scoped_lock lock(mutex_);
    InterruptBank& bank = banks_[intid / 32];
    const std::uint32_t bit = 1u << (intid % 32);
    const std::uint32_t level = asserted ? bit : 0;
    bank.latch |= bit & (bank.edge | ~level);
    bank.line = (bank.line & ~bit) | level;
    spi_changed(intid);
}

}  // namespace gh::hyp
