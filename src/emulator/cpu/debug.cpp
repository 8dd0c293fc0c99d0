// SPDX-License-Identifier: BSD-3-Clause
// Self-hosted debug (DDI 0487 D2): breakpoints, watchpoints, and software step.
#include "emulator/cpu/debug.h"

#include "base/bits.h"
#include "emulator/cpu/cpu.h"
#include "emulator/cpu/identification.h"

#include <algorithm>

namespace gh::cpu {
namespace {

constexpr std::uint32_t kDebugEvent = 0x22;  // IFSC, DFSC

// MDSCR_EL1
constexpr unsigned kKde = 13;  // debug exceptions from EL1 too
constexpr unsigned kMde = 15;  // breakpoints and watchpoints

/// DBGBCRn_EL1.BT: what a breakpoint compares. What is not here needs AArch32, EL2 or VHE and
/// never matches.
enum BreakpointType : std::uint8_t {
    kUnlinkedAddress = 0,
    kLinkedAddress = 1,
    kUnlinkedContext = 2,
    kLinkedContext = 3,
};

unsigned type_of(std::uint64_t dbgbcr)
{
    return static_cast<unsigned>(bits(dbgbcr, 20, 4));
}

/// Comparators have 49 bits of address; those above repeat the highest.
std::uint64_t compared_address(std::uint64_t value)
{
    return sign_extend(value, 49);
}

/// HMC, SSC and PMC or PAC of a control register, for a guest in Non-secure state.
bool mode_matches(std::uint64_t control, bool privileged)
{
    const auto ssc = bits(control, 14, 2);
    const bool security = ssc < 2 || (ssc == 3 && bit(control, 13));
    return security && bit(control, privileged ? 1 : 2);
}

bool overlaps(const AddressRange& range, std::uint64_t start, std::uint64_t size)
{
    return range.size == 0 ||
           (start < range.start ? range.start - start < size : start - range.start < range.size);
}

/// LDXR, LDAXR, LDXP and LDAXP.
bool is_load_exclusive(std::uint32_t word)
{
    return (word & 0x3fe0'0000) == 0x0840'0000 || (word & 0xbfe0'0000) == 0x8860'0000;
}

}  // namespace

void DebugUnit::update() noexcept
{
    breakpoints_ = watchpoints_ = 0;
    if (!bit(state_.mdscr_el1, kMde))
        return;
    for (unsigned n = 0; n < kBreakpoints; ++n) {
        const unsigned most = n < kFirstContextBreakpoint ? kLinkedAddress : kUnlinkedContext;
        if (bit(state_.dbgbcr[n], 0) && type_of(state_.dbgbcr[n]) <= most)
            breakpoints_ |= 1u << n;
    }
    for (unsigned n = 0; n < kWatchpoints; ++n)
        if (bit(state_.dbgwcr[n], 0) && watchpoint_range(n).size != 0)
            watchpoints_ |= 1u << n;
}

bool DebugUnit::generates_exceptions(unsigned el, std::uint32_t daif) const noexcept
{
    return el == 0 || (bit(state_.mdscr_el1, kKde) && (daif & kDaifD) == 0);
}

AddressRange DebugUnit::breakpoint_range(unsigned n) const noexcept
{
    if (type_of(state_.dbgbcr[n]) == kUnlinkedContext)
        return {};
    return {compared_address(state_.dbgbvr[n]) & ~3ull, 4};
}

/// Size 0: it watches nothing. A BAS with holes (CONSTRAINED UNPREDICTABLE) watches them too.
AddressRange DebugUnit::watchpoint_range(unsigned n) const noexcept
{
    const std::uint64_t control = state_.dbgwcr[n];
    const std::uint64_t address = compared_address(state_.dbgwvr[n]);
    const auto mask = static_cast<unsigned>(bits(control, 24, 5));
    if (mask > 2)
        return {align_down(address, 1ull << mask), 1ull << mask};
    const bool word = bit(address, 2);
    const auto selected = static_cast<unsigned>(bits(control, 5, word ? 4 : 8));
    if (selected == 0 || mask != 0)
        return {};
    const auto first = static_cast<unsigned>(__builtin_ctz(selected));
    const auto last = 31 - static_cast<unsigned>(__builtin_clz(selected));
    return {align_down(address, word ? 4 : 8) + first, last - first + 1};
}

bool DebugUnit::is_near_breakpoint(std::uint64_t page) const noexcept
{
    for (unsigned n = 0; n < kBreakpoints; ++n)
        if ((breakpoints_ >> n & 1) != 0 && overlaps(breakpoint_range(n), page, kPageSize))
            return true;
    return std::any_of(outside_.breakpoints.begin(), outside_.breakpoints.end(),
                       [page](std::uint64_t va) { return (va & kPageMask) == page; });
}

bool DebugUnit::is_near_watchpoint(std::uint64_t page) const noexcept
{
    for (unsigned n = 0; n < kWatchpoints; ++n)
        if ((watchpoints_ >> n & 1) != 0 && overlaps(watchpoint_range(n), page, kPageSize))
            return true;
    return std::any_of(outside_.watchpoints.begin(), outside_.watchpoints.end(),
                       [page](const StopPoints::Watch& watch) {
                           return overlaps({watch.start, watch.size}, page, kPageSize);
                       });
}

bool DebugUnit::stops_at(std::uint64_t va) const noexcept
{
    return std::find(outside_.breakpoints.begin(), outside_.breakpoints.end(), va) !=
           outside_.breakpoints.end();
}

std::optional<DebugStop> DebugUnit::stop_of(const WatchedAccess& access) const noexcept
{
    for (const StopPoints::Watch& watch : outside_.watchpoints)
        if (((access.read && watch.on_read) || (access.write && watch.on_write)) &&
            overlaps({watch.start, watch.size}, access.address, access.size))
            return DebugStop{DebugStop::Reason::Watchpoint, std::max(access.address, watch.start),
                             watch};
    return std::nullopt;
}

bool DebugUnit::context_matches(unsigned n) const noexcept
{
    return bits(state_.dbgbvr[n], 0, 32) == bits(state_.contextidr_el1, 0, 32);
}

/// Whether the breakpoint that LBN names is a linked context comparison that holds.
bool DebugUnit::link_matches(std::uint64_t control) const noexcept
{
    const auto n = static_cast<unsigned>(bits(control, 16, 4));
    return n >= kFirstContextBreakpoint && n < kBreakpoints && bit(state_.dbgbcr[n], 0) &&
           type_of(state_.dbgbcr[n]) == kLinkedContext && context_matches(n);
}

bool DebugUnit::breaks_at(std::uint64_t va) const noexcept
{
    if (!generates_exceptions(state_.el, state_.daif))
        return false;
    const auto matches = [&](unsigned n) {
        const std::uint64_t control = state_.dbgbcr[n];
        if ((breakpoints_ >> n & 1) == 0 || !mode_matches(control, state_.el == 1))
            return false;
        switch (type_of(control)) {
        case kUnlinkedAddress: return breakpoint_range(n).start == va;
        case kLinkedAddress: return breakpoint_range(n).start == va && link_matches(control);
        default: return context_matches(n);
        }
    };
    for (unsigned n = 0; n < kBreakpoints; ++n)
        if (matches(n))
            return true;
    return false;
}

std::optional<WatchpointHit> DebugUnit::watchpoint(const WatchedAccess& access) const noexcept
{
    if (watchpoints_ == 0 || !generates_exceptions(state_.el, state_.daif))
        return std::nullopt;
    std::optional<WatchpointHit> hit;
    for (unsigned n = 0; n < kWatchpoints; ++n) {
        const std::uint64_t control = state_.dbgwcr[n];
        const bool read = access.read && bit(control, 3);  // LSC
        const bool write = access.write && bit(control, 4);
        const AddressRange range = watchpoint_range(n);
        if ((watchpoints_ >> n & 1) == 0 || !(read || write) ||
            !mode_matches(control, access.privileged) ||
            (bit(control, 20) && !link_matches(control)) ||
            !overlaps(range, access.address, access.size))
            continue;
        const std::uint64_t address = std::max(access.address, range.start);
        // WnR of an atomic is 0 if reading alone would have triggered.
        hit = hit ? WatchpointHit{std::min(hit->address, address), hit->write && !read}
                  : WatchpointHit{address, !read};
    }
    return hit;
}

// ---- The PE's part

void Cpu::debug_registers_changed() noexcept
{
    debug_.update();
    debug_.for_each_range([this](const AddressRange& range) {
        if (range.size == 0 || range.size > kPageSize) {
            kernel_tlb_.flush();
            user_tlb_.flush();
        } else {
            kernel_tlb_.flush_page(range.start);
            user_tlb_.flush_page(range.start);
        }
    });
    update_context();
}

void Cpu::update_step() noexcept
{
    if (!debug_.steps(state_.el, state_.daif)) {
        step_ = Step::Inactive;
        return;
    }
    if (step_ != Step::Begun)
        step_ = state_.ss ? Step::Ready : Step::Pending;
    context_ |= kContextSingle;
    attention_.fetch_or(kAttendStep, std::memory_order_relaxed);
}

bool Cpu::advance_step() noexcept
{
    if (step_ == Step::Inactive)
        return false;
    if (step_ == Step::Ready) {
        step_ = Step::Begun;
        attention_.fetch_or(kAttendStep, std::memory_order_relaxed);
        return false;
    }
    // Only an instruction that was stepped makes the syndrome valid (ISV); EX: it was a
    // load-exclusive.
    std::uint32_t iss = kDebugEvent;
    if (step_ == Step::Begun)
        iss |= 1u << 24 | (is_load_exclusive(block_->first_word()) ? 1u << 6 : 0);
    state_.ss = false;
    take_synchronous(
        state_.pc,
        state_.el == 0 ? ExceptionClass::SoftwareStepLower : ExceptionClass::SoftwareStepSame, iss);
    return true;
}

// ---- For a debugger outside the guest

void Cpu::set_stop_points(StopPoints points) noexcept
{
    debug_.set_stop_points(std::move(points));
    kernel_tlb_.flush();
    user_tlb_.flush();
}

void Cpu::step_once() noexcept
{
    outside_step_ = OutsideStep::Ready;
    update_context();
}

void Cpu::cancel_step() noexcept
{
    outside_step_ = OutsideStep::None;
    update_context();
}

void Cpu::count_as_step() noexcept
{
    if (outside_step_ == OutsideStep::Ready)
        outside_step_ = OutsideStep::Begun;
}

void Cpu::repeat_step() noexcept
{
    if (outside_step_ == OutsideStep::Begun)
        outside_step_ = OutsideStep::Ready;
}

/// Leaves run() before the instruction at `pc`, which the caller does not execute.
void Cpu::stop_for_debugger(std::uint64_t pc, const DebugStop& stop) noexcept
{
    state_.pc = pc;
    debug_stop_ = stop;
    if (step_ == Step::Begun)  // the guest's own step is still to be made
        step_ = Step::Ready;
    cancel_step();
    leave(Exit::Debug);
}

/// Whether the step is done, so that run() returns.
bool Cpu::advance_outside_step() noexcept
{
    const bool done = outside_step_ == OutsideStep::Begun;
    if (done) {
        debug_stop_ = {.reason = DebugStop::Reason::Step};
        cancel_step();
        exit_ = Exit::Debug;
    } else if (outside_step_ == OutsideStep::Ready) {
        outside_step_ = OutsideStep::Begun;
        attention_.fetch_or(kAttendStep, std::memory_order_relaxed);
    }
    return done;
}

/// A step goes on from where a breakpoint has stopped it.
bool Cpu::stop_at_breakpoint(std::uint64_t va) noexcept
{
    if (outside_step_ != OutsideStep::None || !debug_.stops_at(va))
        return false;
    stop_for_debugger(va, {.reason = DebugStop::Reason::Breakpoint, .address = va});
    return true;
}

bool Cpu::stop_at_watchpoint(const Insn* insn, const WatchedAccess& access) noexcept
{
    const auto stop = debug_.stop_of(access);
    if (stop)
        stop_for_debugger(address_of(insn), *stop);
    return stop.has_value();
}

// ---- What the guest's own debugger sees

bool Cpu::take_breakpoint(std::uint64_t va) noexcept
{
    if (stop_at_breakpoint(va))
        return true;
    if (!debug_.breaks_at(va))
        return false;
    take_synchronous(
        va, state_.el == 0 ? ExceptionClass::BreakpointLower : ExceptionClass::BreakpointSame,
        kDebugEvent);
    return true;
}

bool Cpu::take_watchpoint(const Insn* insn, const WatchedAccess& access) noexcept
{
    if (stop_at_watchpoint(insn, access))
        return true;
    const auto hit = debug_.watchpoint(access);
    if (hit)
        watchpoint_exception(insn, hit->address, hit->write, false);
    return hit.has_value();
}

bool Cpu::take_watchpoint_of_line(const Insn* insn, std::uint64_t address,
                                  bool maintenance) noexcept
{
    const WatchedAccess access{.address = align_down(canonical(address), kLineSize),
                               .size = kLineSize,
                               .write = true,
                               .privileged = state_.el == 1};
    if (!maintenance && stop_at_watchpoint(insn, access))
        return true;
    const auto hit = debug_.watchpoint(access);
    if (hit)
        watchpoint_exception(insn, address, true, maintenance);
    return hit.has_value();
}

void Cpu::watchpoint_exception(const Insn* insn, std::uint64_t address, bool write,
                               bool maintenance) noexcept
{
    state_.far_el1 = address;
    take_synchronous(
        address_of(insn),
        state_.el == 0 ? ExceptionClass::WatchpointLower : ExceptionClass::WatchpointSame,
        kDebugEvent | (write ? 1u << 6 : 0) | (maintenance ? 1u << 8 : 0));
}

bool Cpu::store_reaches_watchpoint(const Insn* insn, std::uint64_t address,
                                   std::uint64_t size) noexcept
{
    const std::uint64_t va = canonical(address);
    const bool privileged = state_.el == 1;
    const WatchedAccess access{
        .address = va, .size = size, .write = true, .privileged = privileged};
    if (!debug_.watchpoint(access) && !debug_.stop_of(access))
        return false;
    // What cannot be stored at all is reported first, by the store itself.
    for (const std::uint64_t at : {va, va + size - 1})
        if (std::holds_alternative<Fault>(mmu_.translate(at, AccessKind::Write, privileged)))
            return false;
    return take_watchpoint(insn, access);
}

}  // namespace gh::cpu
