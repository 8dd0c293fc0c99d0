// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/lockstep.h"

#include "base/bits.h"
#include "base/log.h"
#include "emulator/cpu/decode.h"
#include "emulator/cpu/footprint.h"
#include "emulator/cpu/platform.h"
#include "emulator/jit/templates.h"

#include <algorithm>
#include <cinttypes>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <type_traits>
#include <utility>

namespace gh::jit {
namespace {

/// What one instruction is to the comparison.
enum class Kind : std::uint8_t {
    Compared,
    Last,   // compared, but whether code goes on behind it depends on who wants attention
    Alone,  // has effects or causes outside State and memory
};

/// System registers that are State and nothing else.
bool is_plain(std::uint16_t id)
{
    using cpu::sysreg;
    switch (id) {
    case sysreg(3, 0, 4, 0, 0):   // SPSR_EL1
    case sysreg(3, 0, 4, 0, 1):   // ELR_EL1
    case sysreg(3, 0, 4, 1, 0):   // SP_EL0
    case sysreg(3, 0, 5, 2, 0):   // ESR_EL1
    case sysreg(3, 0, 6, 0, 0):   // FAR_EL1
    case sysreg(3, 0, 13, 0, 4):  // TPIDR_EL1
    case sysreg(3, 3, 4, 2, 0):   // NZCV
    case sysreg(3, 3, 4, 2, 1):   // DAIF
    case sysreg(3, 3, 4, 4, 0):   // FPCR
    case sysreg(3, 3, 4, 4, 1):   // FPSR
    case sysreg(3, 3, 13, 0, 2):  // TPIDR_EL0
    case sysreg(3, 3, 13, 0, 3):  // TPIDRRO_EL0
        return true;
    default: return false;
    }
}

/// The SYSTEM group, DDI 0487 C4.1.94: bits 31:22 are 0b1101010100.
Kind kind_of_system(std::uint32_t word)
{
    const auto op0 = bits(word, 19, 2);
    const auto crn = bits(word, 12, 4);
    if (op0 >= 2 && !is_plain(static_cast<std::uint16_t>(bits(word, 5, 16))))
        return Kind::Alone;
    if (op0 >= 2)
        return bit(word, 21) ? Kind::Compared : Kind::Last;  // MRS, MSR
    if (op0 == 1)
        return cpu::footprint(word, 0, {}) ? Kind::Compared : Kind::Alone;  // DC ZVA
    if (crn == 4)                                                           // PSTATE
        return Kind::Last;
    if (crn == 3)  // barriers, CLREX; ISB
        return bits(word, 5, 3) == 6 ? Kind::Last : Kind::Compared;
    const auto hint = bits(word, 5, 7);
    return crn != 2 || (hint >= 2 && hint <= 5) ? Kind::Alone : Kind::Compared;  // WFE to SEVL
}

/// A conditional branch to the next instruction: T1 leaves by it, T0 would stay.
bool leads_to_next(const Item& item)
{
    const std::uint32_t word = item.word;
    if ((word & 0x7e00'0000) == 0x3600'0000)  // TBZ, TBNZ
        return (word & 0x0007'ffe0) == 0x20;
    const bool conditional =
        (word & 0xff00'0010) == 0x5400'0000 || (word & 0x7e00'0000) == 0x3400'0000;
    return conditional && (word & 0x00ff'ffe0) == 0x20;
}

/// False where the guest has written other code and not said so yet: T0 has decoded the old
/// instruction, T1 would translate the new one, and the architecture allows both.
bool is_decoded_from_its_word(const Item& item)
{
    const cpu::Encoding* const encoding = cpu::find_encoding(item.word);
    cpu::Insn now;
    if (encoding != nullptr)
        now.run = encoding->translate(item.word, now);
    static_assert(std::has_unique_object_representations_v<cpu::Insn>);
    return now.run == nullptr || std::memcmp(&now, item.insn, sizeof now) == 0;
}

Kind kind_of(const Item& item)
{
    const std::uint32_t word = item.word;
    if (!is_decoded_from_its_word(item))
        return Kind::Alone;
    if ((word & 0xffc0'0000) == 0xd500'0000)
        return kind_of_system(word);
    const bool calls_out = (word & 0xff00'0000) == 0xd400'0000 && bits(word, 21, 3) == 0 &&
                           bits(word, 0, 5) != 1;              // HVC, SMC
    const bool returns = (word & 0xffff'fc1f) == 0xd69f'0000;  // ERET
    if (calls_out || returns)
        return Kind::Alone;
    return leads_to_next(item) ? Kind::Last : Kind::Compared;
}

bool same_monitor(const cpu::Exclusive& a, const cpu::Exclusive& b)
{
    if (a.host == nullptr || b.host == nullptr)
        return a.host == b.host;
    const auto words = static_cast<std::ptrdiff_t>(a.size == 16 ? 2 : 1);
    return a.host == b.host && a.size == b.size &&
           std::equal(a.value.begin(), a.value.begin() + words, b.value.begin());
}

}  // namespace

Lockstep::Lockstep(cpu::Cpu& cpu, Report report)
    : cpu_(cpu), hot_(cpu.hot()), report_(std::move(report)), rewind_(cpu)
{
    if (!report_)
        report_ = [](const std::string& text) {
            std::istringstream lines(text);
            for (std::string line; std::getline(lines, line);)
                log(LogLevel::Error, "%s", line.c_str());
            std::abort();
        };
}

Lockstep::~Lockstep()
{
    log(LogLevel::Warn,
        "lock step: %" PRIu64 " passes through units, %" PRIu64 " instructions compared, %" PRIu64
        " left to the interpreter alone, %" PRIu64 " differences",
        passes_, compared_, alone_, differences_);
}

void Lockstep::keep(const Unit* unit, Items items)
{
    items_.insert_or_assign(unit, std::move(items));
}

void Lockstep::shorten(Items& items)
{
    std::size_t count = 0;
    for (bool more = true; more && count < items.size();) {
        const Kind kind = kind_of(items[count]);
        more = kind == Kind::Compared;
        if (kind != Kind::Alone)
            ++count;
    }
    if (count == items.size() || count == 0) {
        items.resize(count);
        return;
    }
    items.resize(count);
    items.back().continues = false;
    items.back().continues_taken = false;
    items.back().row = row_of(items.back().word);
}

/// Runs the first instruction of the present block and no other.
const cpu::Insn* Lockstep::run_alone() noexcept
{
    ++alone_;
    const std::uint64_t va = cpu_.block()->va;
    const cpu::Insn* const insn = cpu_.block()->insns();
    const cpu::Insn* const next = insn->run(cpu_, insn);
    return next == insn + 1 ? cpu_.jump(va + 4) : next;
}

/// Says in State::pc where T0 goes on behind `item`.
void Lockstep::settle(const Item& item, const cpu::Insn* next) noexcept
{
    if (next != nullptr)
        hot_.state->pc = next == item.insn + 1 ? item.va + 4 : cpu_.block()->va;
}

Lockstep::Pass Lockstep::interpret(const Items& items) noexcept
{
    for (std::size_t i = 0;; ++i) {
        const Item& item = items[i];
        *hot_.block = item.block;
        const auto access = cpu::footprint(item.word, item.va, *hot_.state);
        if (access && !rewind_.expect(*access)) {
            hot_.state->pc = item.va;
            return {i, false};
        }
        const cpu::Insn* const next = item.insn->run(cpu_, item.insn);
        const bool within = next == item.insn + 1 && !item.last_of_block;
        if (i + 1 < items.size() && within)
            continue;
        settle(item, next);
        if (!item.continues || hot_.state->pc != items[i + 1].va)
            return {i + 1, true};
    }
}

const cpu::Insn* Lockstep::run(const Unit* unit, cpu::Handler run_unit,
                               const cpu::Insn* gate) noexcept
{
    if (unit == nullptr)
        return run_alone();
    const Items& items = items_.at(unit);
    rewind_.mark();
    const Pass pass = interpret(items);
    if (!pass.whole) {
        alone_ += pass.instructions;
        return pass.instructions == 0 ? run_alone() : nullptr;
    }
    ++passes_;
    compared_ += pass.instructions;
    const cpu::State expected = *hot_.state;
    const cpu::Exclusive monitor = *hot_.exclusive;
    rewind_.undo();
    const cpu::Insn* const next = run_unit(cpu_, gate);
    if (next != nullptr)
        hot_.state->pc = cpu_.block()->va;
    compare(items, pass, expected, monitor);
    return next;
}

void Lockstep::compare(const Items& items, const Pass& pass, const cpu::State& expected,
                       const cpu::Exclusive& monitor)
{
    cpu::State& found = *hot_.state;
    found.x[cpu::kSink] = expected.x[cpu::kSink];
    const bool same_reservation = same_monitor(*hot_.exclusive, monitor);
    const bool same_memory = std::all_of(
        rewind_.stored().begin(), rewind_.stored().end(), [](const cpu::Rewind::Stored& stored) {
            return std::memcmp(stored.host, stored.after.data(), stored.size) == 0;
        });
    if (same_reservation && same_memory && found == expected)
        return;
    ++differences_;
    report_(describe({.items = std::span(items).first(pass.instructions),
                      .before = rewind_.before(),
                      .expected = expected,
                      .found = found,
                      .monitor = !same_reservation,
                      .stored = rewind_.stored()}));
}

}  // namespace gh::jit
