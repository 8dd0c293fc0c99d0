// SPDX-License-Identifier: BSD-3-Clause
// The memory-mapped half of the GIC: distributor and redistributor frames. Which sizes answer at
// all is Gunyah's own choice (golden README 02.16): everything else is an external abort.
#include "base/bits.h"
#include "emulator/hyp/gic.h"

namespace gh::hyp {

namespace {

constexpr bool in(unsigned offset, unsigned first, unsigned end)
{
    return offset >= first && offset < end;
}

bool distributor_answers(unsigned offset, unsigned size)
{
    if (!is_aligned(offset, size))
        return false;
    switch (size) {
    case 1: return in(offset, GICD_IPRIORITYR, GICD_ICFGR);
    case 4: return true;
    case 8: return in(offset, GICD_IROUTER, GICD_IROUTER_END);
    default: return false;
    }
}

bool redistributor_answers(unsigned offset, unsigned size)
{
    if (!is_aligned(offset, size))
        return false;
    switch (size) {
    case 1: return in(offset, kSgiFrame + GICD_IPRIORITYR, kSgiFrame + GICD_IPRIORITYR + 32);
    case 4: return true;
    case 8: return offset == GICR_TYPER || offset == GICR_PROPBASER || offset == GICR_PENDBASER;
    default: return false;
    }
}

std::uint32_t read_priorities(const InterruptBank& bank, unsigned first, unsigned size)
{
    std::uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i)
        value |= std::uint32_t{bank.priority[first + i]} << (8 * i);
    return value;
}

void write_priorities(InterruptBank& bank, unsigned first, unsigned size, std::uint64_t value)
{
    for (unsigned i = 0; i < size; ++i)
        bank.write_priority(first + i, static_cast<std::uint8_t>(value >> (8 * i)));
}

/// The registers that the distributor has once per bank and a redistributor once: `offset` is that
/// of the distributor's (the SGI frame repeats its layout). Numbers 32 banks.
constexpr unsigned bank_number(unsigned offset)
{
    if (offset < GICD_IPRIORITYR)
        return offset % 0x80 / 4;
    return offset < GICD_ITARGETSR ? (offset - GICD_IPRIORITYR) / 32 : (offset - GICD_ICFGR) / 8;
}

constexpr bool is_banked(unsigned offset)
{
    return in(offset, GICD_IGROUPR, GICD_ITARGETSR) || in(offset, GICD_ICFGR, GICD_IGRPMODR);
}

std::uint32_t read_bank(const InterruptBank& bank, unsigned offset, unsigned size)
{
    if (offset < GICD_IPRIORITYR)
        return bank.read_bits(static_cast<unsigned>(align_down(offset, 0x80)));
    if (offset < GICD_ITARGETSR)
        return read_priorities(bank, offset % 32, size);
    return bank.read_config(offset / 4 % 2);
}

void write_bank(InterruptBank& bank, unsigned offset, unsigned size, std::uint64_t value)
{
    if (offset < GICD_IPRIORITYR)
        bank.write_bits(static_cast<unsigned>(align_down(offset, 0x80)),
                        static_cast<std::uint32_t>(value));
    else if (offset < GICD_ITARGETSR)
        write_priorities(bank, offset % 32, size, value);
    else
        bank.write_config(offset / 4 % 2, static_cast<std::uint32_t>(value));
}

}  // namespace

bool Gic::owns(std::uint64_t ipa) const noexcept
{
    const std::uint64_t in_redistributors = ipa - raw(layout_.redistributors);
    return ipa - raw(layout_.distributor) < kDistributorSize ||
           (in_redistributors / layout_.stride < pe_count_ &&
            in_redistributors % layout_.stride < kRedistributorSize);
}

cpu::MmioOutcome Gic::mmio(unsigned pe, cpu::MmioAccess& access) noexcept
{
    const std::uint64_t in_distributor = access.ipa - raw(layout_.distributor);
    const std::uint64_t in_redistributors = access.ipa - raw(layout_.redistributors);
    const bool distributor = in_distributor < kDistributorSize;
    const auto offset =
        static_cast<unsigned>(distributor ? in_distributor : in_redistributors % layout_.stride);
    const auto owner = static_cast<unsigned>(in_redistributors / layout_.stride);
    if (!(distributor ? distributor_answers : redistributor_answers)(offset, access.size))
        return cpu::MmioOutcome::Abort;

    const std::scoped_lock lock(mutex_);
    if (pes_[pe].bank.line != pes_[pe].wires) {
        pes_[pe].bank.line = pes_[pe].wires;
        signal(pe);
    }
    if (access.write)
        distributor ? write_distributor(offset, access.size, access.value)
                    : write_redistributor(owner, offset, access.size, access.value);
    else
        access.value = distributor ? read_distributor(offset, access.size)
                                   : read_redistributor(owner, offset, access.size);
    return cpu::MmioOutcome::Done;
}

std::uint64_t Gic::read_distributor(unsigned offset, unsigned size) noexcept
{
    if (is_banked(offset))
        return read_bank(banks_[bank_number(offset)], offset, size);
    if (in(offset, GICD_IROUTER, GICD_IROUTER_END))
        return read_router(offset, size);
    return read_distributor_control(offset);
}

void Gic::write_distributor(unsigned offset, unsigned size, std::uint64_t value) noexcept
{
    if (is_banked(offset)) {
        write_bank(banks_[bank_number(offset)], offset, size, value);
        signal_all();
    } else if (in(offset, GICD_IROUTER, GICD_IROUTER_END)) {
        write_router(offset, size, value);
    } else {
        write_distributor_control(offset, static_cast<std::uint32_t>(value));
    }
}

std::uint32_t Gic::read_distributor_control(unsigned offset) noexcept
{
    switch (offset) {
    case GICD_CTLR: return kCtlrFixed | ctlr_;
    case GICD_TYPER: return kTyper;
    case GICD_IIDR: return kIidr;
    case GICD_STATUSR: return statusr_;
    case GICD_SETSPI_NSR:
    case GICD_CLRSPI_NSR:
    case GICD_SGIR: statusr_ |= kStatusReadOfWriteOnly; return 0;
    case GICD_PIDR2: return kPidr2;
    default: return 0;
    }
}

void Gic::write_distributor_control(unsigned offset, std::uint32_t value) noexcept
{
    switch (offset) {
    case GICD_CTLR:
        ctlr_ = value & kCtlrEnables;
        signal_all();
        break;
    case GICD_TYPER:
    case GICD_IIDR:
    case GICD_PIDR2: statusr_ |= kStatusWriteOfReadOnly; break;
    case GICD_STATUSR: statusr_ &= ~value; break;
    case GICD_SETSPI_NSR: message_spi(value, true); break;
    case GICD_CLRSPI_NSR: message_spi(value, false); break;
    default: break;
    }
}

void Gic::message_spi(std::uint32_t intid, bool pending) noexcept
{
    intid = static_cast<std::uint32_t>(bits(intid, 0, 13));
    if (!in(intid, kFirstSpi, kSpiEnd))
        return;
    banks_[intid / 32].write_bits(pending ? GICD_ISPENDR : GICD_ICPENDR, 1u << (intid % 32));
    spi_changed(intid);
}

std::uint64_t Gic::read_router(unsigned offset, unsigned size) const noexcept
{
    const unsigned intid = (offset - GICD_IROUTER) / 8;
    if (!in(intid, kFirstSpi, kSpiEnd))
        return 0;
    const std::uint32_t affinity = pes_[target_[intid]].affinity;
    const std::uint64_t value = std::uint64_t{affinity >> 24} << 32 | bits(affinity, 0, 24);
    return size == 8 ? value : bits(value, 8 * (offset % 8), 32);
}

/// Affinities that no PE has, and 1-of-N, leave the route as it was (golden gicd.irouter32).
void Gic::write_router(unsigned offset, unsigned size, std::uint64_t value) noexcept
{
    const unsigned intid = (offset - GICD_IROUTER) / 8;
    if (!in(intid, kFirstSpi, kSpiEnd))
        return;
    if (size == 4) {
        const std::uint64_t whole = read_router(offset & ~7u, 8);
        value = offset % 8 == 0 ? (whole & ~bits(~0ull, 0, 32)) | bits(value, 0, 32)
                                : bits(whole, 0, 32) | value << 32;
    }
    const auto affinity = static_cast<std::uint32_t>(bits(value, 32, 8) << 24 | bits(value, 0, 24));
    for (unsigned pe = 0; pe < pe_count_; ++pe)
        if (pes_[pe].affinity == affinity && !bit(value, 31))
            route(intid, pe);
}

std::uint64_t Gic::read_redistributor(unsigned pe, unsigned offset, unsigned size) noexcept
{
    const Pe& it = pes_[pe];
    if (offset >= kSgiFrame) {
        offset -= kSgiFrame;
        return is_banked(offset) && bank_number(offset) == 0 ? read_bank(it.bank, offset, size) : 0;
    }
    const std::uint64_t last = pe + 1 == pe_count_ ? 0x10 : 0;
    const std::uint64_t typer = std::uint64_t{it.affinity} << 32 | std::uint64_t{pe} << 8 | last;
    switch (offset) {
    case GICR_TYPER: return size == 8 ? typer : bits(typer, 0, 32);
    case GICR_TYPER + 4: return typer >> 32;
    case GICR_IIDR: return kIidr;
    case GICR_PIDR2: return kPidr2;
    default: return 0;  // GICR_WAKER too: the PE is never asleep (golden gicr.waker)
    }
}

void Gic::write_redistributor(unsigned pe, unsigned offset, unsigned size,
                              std::uint64_t value) noexcept
{
    if (offset < kSgiFrame)
        return;
    offset -= kSgiFrame;
    if (!is_banked(offset) || bank_number(offset) != 0 || offset == GICD_ICFGR)
        return;
    write_bank(pes_[pe].bank, offset, size, value);
    signal(pe);
}

}  // namespace gh::hyp
