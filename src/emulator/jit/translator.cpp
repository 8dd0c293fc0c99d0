// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/translator.h"

#include "base/error.h"
#include "base/log.h"
#include "emulator/cpu/guest_memory_access.h"
#include "emulator/cpu/profile.h"
#include "emulator/jit/emitter.h"
#include "emulator/jit/jit.h"
#include "emulator/jit/lockstep.h"
#include "emulator/jit/templates.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace gh::jit {
namespace {

constexpr std::size_t kMostItems = 128;
constexpr std::size_t kMostBlocks = 16;

/// Which flags are looked at by whom, from the end to the beginning.
void find_live_flags(Items& items)
{
    bool live = true;
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
        const Traits& traits = item->row.traits;
        live = traits.reads || !traits.quiet || (live && !traits.writes);
        item->flags_live = live;
    }
}

/// Nanoseconds since some moment.
std::uint64_t now()
{
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count());
}

}  // namespace

Jit::Jit(cpu::Cpu& cpu, std::uint32_t threshold, std::size_t code_size)
    : cpu_(cpu), threshold_(threshold), hot_(cpu.hot()), memory_(code_size)
{
    const std::byte* const stubs = memory_.next_code();
    stubs_ = Stubs::make(memory_, hot_, *this, cpu);
    if (hot_.profile != nullptr)
        hot_.profile->made({.at = reinterpret_cast<std::uintptr_t>(stubs),
                            .size = static_cast<std::size_t>(memory_.next_code() - stubs),
                            .name = "gh-vmm:stubs"});
    memory_.keep();
    generation_ = cpu.code_generation();
}

Jit::~Jit() = default;

bool Jit::el0() const noexcept
{
    return hot_.state->el == 0;
}

std::size_t Jit::page_of(const std::byte* host) noexcept
{
    return static_cast<std::size_t>(
        (reinterpret_cast<std::uintptr_t>(host) / cpu::kPageSize) * 0x9e37'79b9'7f4a'7c15ull >> 54);
}

void Jit::start_afresh() noexcept
{
    memory_.clear();
    pages_.fill(nullptr);
    for (Stubs::JumpTable* const jumps : stubs_.jumps)
        jumps->fill(JumpEntry{});
    generation_ = cpu_.code_generation();
    if (lockstep_)
        lockstep_->forget();
}

Items Jit::collect(cpu::Block& head) noexcept
{
    Items items;
    std::array<const cpu::Block*, kMostBlocks> seen{};
    std::size_t blocks = 0;
    for (cpu::Block* block = &head; block != nullptr;) {
        seen.at(blocks++) = block;
        for (std::uint32_t i = 0; i < block->count; ++i) {
            Item item;
            item.va = block->va + 4ull * i;
            item.word = cpu::read_guest<std::uint32_t>(
                reinterpret_cast<std::uintptr_t>(block->host) + 4ull * i);
            item.insn = block->insns() + i;
            item.block = block;
            item.row = row_of(item.word);
            items.push_back(item);
            if (item.row.traits.ends)
                break;
        }
        Item& last = items.back();
        last.last_of_block = true;
        block = nullptr;
        const std::uint64_t next = next_of(last);
        if (next == 0 || blocks == kMostBlocks || items.size() >= kMostItems)
            break;
        const auto likely = [&](std::uint64_t va) -> cpu::Block* {
            if (((va ^ head.va) & cpu::kPageMask) != 0)
                return nullptr;
            cpu::Block* const candidate = cpu_.sibling(va);
            return candidate == nullptr || candidate->gate.imm > threshold_ / 2 ||
                           std::find(seen.begin(), seen.end(), candidate) != seen.end()
                       ? nullptr
                       : candidate;
        };
        block = likely(next);
        if (const std::uint64_t target = branch_target(last);
            block == nullptr && target != 0 && target != next) {
            block = likely(target);
            last.continues_taken = block != nullptr;
        }
        if (block == nullptr)
            break;
        last.continues = true;
        last.row.traits.ends = false;
    }
    if (lockstep_)
        Lockstep::shorten(items);
    find_live_flags(items);
    return items;
}

/// Tells the profile about a translation; without `unit` there was no room.
void Jit::tell(const Unit* unit, const Items& items, std::uint64_t nanoseconds) const
{
    auto& all = hot_.profile->translation;
    all.nanoseconds += nanoseconds;
    if (unit == nullptr) {
        ++all.full;
        return;
    }
    ++all.units;
    all.instructions += items.size();
    all.bytes += unit->size;
    hot_.profile->made({.at = reinterpret_cast<std::uintptr_t>(unit->entry),
                        .size = unit->size,
                        .va = items.front().va,
                        .el = hot_.state->el,
                        .vbar = hot_.state->vbar_el1});
}

void Jit::translate(cpu::Block& block) noexcept
{
    if (generation_ != cpu_.code_generation())
        start_afresh();
    const std::uint64_t begin = hot_.profile != nullptr ? now() : 0;
    Items items = collect(block);
    if (items.empty()) {  // in lock step: what it begins with cannot be done twice
        block.gate.run = run_in_lockstep;
        block.translation = nullptr;
        return;
    }
    Emitter emitter(memory_, hot_, stubs_, el0());
    Unit* const unit =
        emitter.translate(items, lockstep_ ? Emitter::Loops::Outside : Emitter::Loops::Inside);
    if (hot_.profile != nullptr)
        tell(unit, items, now() - begin);
    if (unit == nullptr) {
        // Full: blocks and units go; what is hot comes back soon.
        cpu_.forget_code_soon();
        return;
    }
    Unit*& first = pages_.at(page_of(block.host));
    unit->next_of_page = first;
    first = unit;
    unit->count_entry = std::exchange(block.gate.run, lockstep_ ? run_in_lockstep : run_unit);
    block.translation = unit;
    if (lockstep_)
        lockstep_->keep(unit, std::move(items));
}

const cpu::Insn* Jit::run_unit(cpu::Cpu& cpu, const cpu::Insn*) noexcept
{
    const auto& jit = static_cast<const Jit&>(*cpu.translator());
    const auto* const unit = static_cast<const Unit*>(cpu.block()->translation);
    return jit.stubs_.enter(unit->entry, jit.hot_.state,
                            jit.el0() ? jit.hot_.user_tlb : jit.hot_.kernel_tlb);
}

void Jit::check_against_interpreter(std::function<void(const std::string&)> report)
{
    lockstep_ = std::make_unique<Lockstep>(cpu_, std::move(report));
}

const cpu::Insn* Jit::run_in_lockstep(cpu::Cpu& cpu, const cpu::Insn* gate) noexcept
{
    const auto* const unit = static_cast<const Unit*>(cpu.block()->translation);
    return static_cast<const Jit&>(*cpu.translator()).lockstep_->run(unit, run_unit, gate);
}

Jit::Resume Jit::go_to(std::uint64_t target) noexcept
{
    const bool was_el0 = el0();
    const cpu::Insn* const insn = cpu_.jump(cpu_.branch_address(target));
    // An exception on the way leads to another exception level; and then there may be no block.
    if (insn == nullptr || el0() != was_el0 || insn->run != run_unit)
        return {insn, nullptr};
    return {insn, static_cast<const Unit*>(cpu_.block()->translation)->entry};
}

Jit::Resume Jit::resume_at_link(Jit& jit, Link& link) noexcept
{
    const unsigned generation = jit.cpu_.code_generation();
    const Resume resume = jit.go_to(link.target);
    if (resume.entry == nullptr || generation != jit.cpu_.code_generation() ||
        generation != jit.generation_)
        return resume;
    auto* const block = jit.cpu_.block();
    auto* const unit = static_cast<Unit*>(block->translation);
    if (block->va != link.target)
        return resume;
    // A link across pages may have led to what lay there before.
    if (link.leads_to != nullptr)
        unlink(link);
    link.leads_to = unit;
    link.next_incoming = std::exchange(unit->incoming, &link);
    link.go = resume.entry;
    link.addend = reinterpret_cast<std::uintptr_t>(block->host) - block->va;
    return resume;
}

Jit::Resume Jit::resume_at(Jit& jit, std::uint64_t target) noexcept
{
    const Resume resume = jit.go_to(target);
    if (resume.entry == nullptr)
        return resume;
    const cpu::Block& block = *jit.cpu_.block();
    Stubs::JumpTable& table = *jit.stubs_.jumps[jit.el0() ? 0 : 1];
    Stubs::slot(table, block.va) = {
        block.va, reinterpret_cast<std::uintptr_t>(block.host) - block.va, resume.entry};
    return resume;
}

void Jit::unlink(Link& link) noexcept
{
    Unit& unit = *std::exchange(link.leads_to, nullptr);
    Link* const next = std::exchange(link.next_incoming, nullptr);
    link.go = link.thunk;
    if (unit.incoming == &link) {
        unit.incoming = next;
        return;
    }
    for (Link* before = unit.incoming; before != nullptr; before = before->next_incoming)
        if (before->next_incoming == &link)
            before->next_incoming = next;
}

void Jit::forget(Unit& unit) noexcept
{
    while (unit.incoming != nullptr)
        unlink(*unit.incoming);
    cpu::Block& head = *unit.head;
    head.gate = {.run = unit.count_entry, .imm = threshold_};
    for (Stubs::JumpTable* const jumps : stubs_.jumps)
        if (JumpEntry& jump = Stubs::slot(*jumps, head.va); jump.entry == unit.entry)
            jump = JumpEntry{};
}

void Jit::forget_page(const std::byte* host) noexcept
{
    if (generation_ != cpu_.code_generation())
        return;  // all are forgotten already
    Unit*& first = pages_.at(page_of(host));
    for (Unit* unit = std::exchange(first, nullptr); unit != nullptr; unit = unit->next_of_page)
        forget(*unit);
}

const char* unavailable() noexcept
{
    const auto& x86 = asmjit::CpuInfo::host().features().x86();
    return x86.hasAVX2() && x86.hasBMI2() && x86.hasFMA() && x86.hasLZCNT() && x86.hasLAHFSAHF()
               ? nullptr
               : "this processor lacks AVX2, BMI2, FMA or LZCNT";
}

std::unique_ptr<cpu::Translator> make_translator(cpu::Cpu& cpu, std::uint32_t threshold,
                                                 std::size_t code_size)
{
    if (unavailable() != nullptr)
        return nullptr;
    try {
        return std::make_unique<Jit>(cpu, threshold, code_size);
    } catch (const Error& error) {
        GH_LOG_ONCE(LogLevel::Warn, "no translated code (%s): guests run interpreted",
                    error.what());
        return nullptr;
    }
}

std::unique_ptr<cpu::Translator> make_lockstep_translator(
    cpu::Cpu& cpu, std::uint32_t threshold, std::function<void(const std::string&)> report)
{
    if (unavailable() != nullptr)
        return nullptr;
    auto jit = std::make_unique<Jit>(cpu, threshold, kDefaultCodeSize);
    jit->check_against_interpreter(std::move(report));
    return jit;
}

}  // namespace gh::jit
