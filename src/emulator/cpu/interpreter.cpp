// SPDX-License-Identifier: BSD-3-Clause
// Tier T0: finds or makes predecoded blocks and runs them.
#include "base/bits.h"
#include "emulator/cpu/cpu.h"
#include "emulator/cpu/decode.h"
#include "emulator/cpu/profile.h"

#include <cstring>

namespace gh::cpu {
namespace {

/// So many exceptions in a row without one instruction executed mean that the vectors are not
/// there.
constexpr unsigned kFruitlessLimit = 1000;

const Insn* run_undefined(Cpu& cpu, const Insn* insn) noexcept
{
    return cpu.undefined(insn);
}

/// CPACR_EL1.FPEN: ISS has CV = 1, COND = 0b1110 (DDI 0487, ISS encoding for trapped SIMD and FP).
const Insn* run_fp_trap(Cpu& cpu, const Insn* insn) noexcept
{
    return cpu.synchronous(insn, ExceptionClass::TrappedFp, 0x1e0'0000);
}

/// The slot behind the last instruction of a block that ends without a branch.
const Insn* run_next_block(Cpu& cpu, const Insn* insn) noexcept
{
    const std::uint64_t next = cpu.address_of(insn);
    return next % kPageSize != 0 ? cpu.follow(0, next) : cpu.jump(next);
}

/// Whether the instruction always or possibly goes elsewhere (DDI 0487 C4.1.3, branches and
/// exception generation).
bool ends_block(std::uint32_t word)
{
    return (word & 0x7c00'0000) == 0x1400'0000 ||  // B, BL
           (word & 0xff00'0000) == 0x5400'0000 ||  // B.cond
           (word & 0x7c00'0000) == 0x3400'0000 ||  // CBZ, CBNZ, TBZ, TBNZ
           (word & 0xfe00'0000) == 0xd600'0000 ||  // BR, BLR, RET, ERET
           (word & 0xff00'0000) == 0xd400'0000;    // SVC, HVC, SMC, BRK
}

/// Whether the word is UNDEFINED, which ends a block.
bool translate_word(std::uint32_t word, bool fp_traps, Insn& insn)
{
    insn = Insn{};
    const Encoding* const encoding = find_encoding(word);
    if (encoding != nullptr)
        insn.run = encoding->fp && fp_traps ? run_fp_trap : encoding->translate(word, insn);
    if (insn.run != nullptr)
        return false;
    insn = Insn{run_undefined};
    return true;
}

}  // namespace

Cpu::Cpu(Cluster& cluster, Platform& platform, unsigned index, std::uint64_t mpidr)
    : cluster_(cluster), platform_(platform), index_(index), mpidr_(mpidr), mmu_(state_, platform)
{
    cluster_.cpus_.push_back(this);
    update_context();
}

Cpu::~Cpu()
{
    std::erase(cluster_.cpus_, this);
}

void Cpu::reset(std::uint64_t pc, std::uint64_t argument) noexcept
{
    state_.sctlr_el1 = State{}.sctlr_el1;
    state_.nzcv = 0;
    state_.daif = State{}.daif;
    state_.pan = state_.dit = state_.ssbs = state_.il = state_.ss = false;
    state_.mdscr_el1 = 0;
    debug_registers_changed();
    state_.pc = pc;
    state_.x[0] = argument;
    exclusive_.clear();
    set_el(1, 1);
    translation_changed();
    blocks_.clear();
}

void Cpu::set_translator(std::unique_ptr<Translator> translator) noexcept
{
    translator_ = std::move(translator);
    blocks_.clear();
}

void Cpu::set_profile(Profile& profile) noexcept
{
    profile_ = &profile;
    blocks_.clear();
}

Exit Cpu::run() noexcept
{
    // Sequentially consistent, with Cluster: either we see the work in the inbox or the sender sees
    // that we run.
    running_.store(true, std::memory_order_seq_cst);
    for (;;) {
        if (attention_.load(std::memory_order_seq_cst) != 0 && attend())
            break;
        if (take_pending_state())
            continue;
        Block* const block = block_at(state_.pc);
        if (block == nullptr) {
            if (fruitless_exceptions_ > kFruitlessLimit) {
                exit_ = Exit::Loop;
                break;
            }
            continue;
        }
        fruitless_exceptions_ = 0;
        const Insn* insn = enter(block);
        do
            insn = insn->run(*this, insn);
        while (insn != nullptr);
    }
    running_.store(false, std::memory_order_seq_cst);
    return exit_;
}

bool Cpu::attend() noexcept
{
    const std::uint32_t seen = attention_.exchange(0, std::memory_order_acq_rel);
    if ((seen & kAttendMaintenance) != 0)
        drain_inbox();
    if ((seen & kAttendExit) != 0) {
        // What else there was must be seen at the next entry.
        attention_.fetch_or(seen & (kAttendKick | kAttendIrq | kAttendStep),
                            std::memory_order_relaxed);
        return true;
    }
    if ((seen & kAttendKick) != 0) {
        attention_.fetch_or(seen & (kAttendIrq | kAttendStep), std::memory_order_relaxed);
        exit_ = Exit::Kicked;
        return true;
    }
    if ((seen & kAttendStep) != 0 && advance_outside_step()) {
        attention_.fetch_or(seen & (kAttendIrq | kAttendStep), std::memory_order_relaxed);
        return true;
    }
    const bool stepped = (seen & kAttendStep) != 0 && advance_step();
    if (clear_code_soon_) {
        clear_code_soon_ = false;
        blocks_.clear();
    }
    if (!stepped && irq() && (state_.daif & kDaifI) == 0) {
        if (outside_step_ == OutsideStep::None)
            take_irq();
        else
            attention_.fetch_or(kAttendIrq, std::memory_order_relaxed);
    }
    return false;
}

void Cpu::leave(Exit exit) noexcept
{
    exit_ = exit;
    attention_.fetch_or(kAttendExit, std::memory_order_relaxed);
}

void Cpu::request_exit() noexcept
{
    leave(Exit::Requested);
}

void Cpu::set_irq(bool asserted) noexcept
{
    irq_.store(asserted, std::memory_order_release);
    if (asserted)
        attention_.fetch_or(kAttendIrq, std::memory_order_release);
}

void Cpu::kick() noexcept
{
    attention_.fetch_or(kAttendKick, std::memory_order_release);
    event_.store(true, std::memory_order_release);
}

const Insn* Cpu::wait_for_interrupt(const Insn* insn) noexcept
{
    if (!irq()) {
        leave(Exit::Wfi);
    }
    return resume_after(insn);
}

const Insn* Cpu::hypervisor_call(const Insn* insn, bool smc) noexcept
{
    if (state_.el == 0)
        return undefined(insn);
    state_.pc = address_of(insn) + 4;
    if (!platform_.hypervisor_call(*this, smc, static_cast<std::uint16_t>(insn->imm))) {
        state_.pc -= 4;
        return undefined(insn);
    }
    return nullptr;
}

// ---- Blocks

const Insn* Cpu::jump(std::uint64_t target) noexcept
{
    state_.pc = target;
    if (attention_.load(std::memory_order_relaxed) != 0)
        return nullptr;
    Block* const block = block_at(target);
    return block != nullptr ? enter(block) : nullptr;
}

const Insn* Cpu::follow_slowly(unsigned which, std::uint64_t target) noexcept
{
    state_.pc = target;
    if (attention_.load(std::memory_order_relaxed) != 0)
        return nullptr;
    Block* const from = block_;
    const unsigned generation = blocks_.generation();
    Block* const block = block_at(target);
    if (block == nullptr)
        return nullptr;
    // Within a page the translation that found us finds the target; across pages it may change.
    // A debugger's blocks are looked up every time.
    if (generation == blocks_.generation() && (from->va ^ target) < kPageSize &&
        ((from->context | block->context) & kContextSingle) == 0)
        from->link[which] = block;
    return enter(block);
}

Block* Cpu::block_at(std::uint64_t va) noexcept
{
    const TlbEntry& entry = tlb_->slot(va);
    if (entry.fetch == tlb_->tag(va) && (va & 3) == 0) [[likely]]
        return block_of(va, reinterpret_cast<const std::byte*>(entry.addend + va), context_);
    return block_at_slowly(va);
}

Block* Cpu::block_at_slowly(std::uint64_t va) noexcept
{
    const std::byte* const host = fetch_host(va);
    if (host == nullptr)
        return nullptr;
    if (!debug_.has_breakpoint_in_page(va))
        return block_of(va, host, context_);
    return take_breakpoint(va) ? nullptr : block_of(va, host, context_ | kContextSingle);
}

Block* Cpu::block_of(std::uint64_t va, const std::byte* host, std::uint16_t context) noexcept
{
    Block* const block = blocks_.find(va, host, context);
    return block != nullptr ? block : translate_block(va, host, context);
}

Block* Cpu::translate_block(std::uint64_t va, const std::byte* host, std::uint16_t context) noexcept
{
    cluster_.note_code(host);
    // Waiting for others may have changed how `va` is translated, or taken the page away. A
    // debugger's step must come.
    if (cluster_.code_.watching() && note_code(host) &&
        ((context & kContextSingle) == 0 || fetch_host(va) != host))
        return nullptr;
    Block* const block = blocks_.begin();
    block->va = va;
    block->host = host;
    block->context = context;
    Insn* const insns = block->insns();
    const std::uint64_t left = (kPageSize - va % kPageSize) / 4;
    const unsigned limit = (context & kContextSingle) != 0 ? 1 : BlockCache::kMaxInsns;
    const unsigned most = left < limit ? static_cast<unsigned>(left) : limit;
    const bool fp_traps = (context & kContextFpTraps) != 0;
    unsigned count = 0;
    for (bool ended = false; !ended && count < most; ++count) {
        const auto word =
            read_guest<std::uint32_t>(reinterpret_cast<std::uintptr_t>(host) + 4ull * count);
        ended = translate_word(word, fp_traps, insns[count]) || ends_block(word);
    }
    insns[count] = Insn{run_next_block};
    block->count = count;
    ++counters_.blocks;
    counters_.instructions += count;
    make_gate(*block);
    blocks_.commit(block, count + (profile_ != nullptr ? 2 : 1));
    return block;
}

/// Decides what an entry of `block` does before its instructions.
void Cpu::make_gate(Block& block) noexcept
{
    // Where FP traps, nearly nothing runs: not worth a second translation. A debugger's blocks are
    // looked up one by one.
    const bool gated =
        translator_ != nullptr && (block.context & (kContextFpTraps | kContextSingle)) == 0;
    if (gated)
        block.gate = {.run = count_entry, .imm = translator_->threshold()};
    if (profile_ != nullptr) {
        const unsigned el = (block.context & kContextEl0) != 0 ? 0 : 1;
        block.spot() = &profile_->spot(block.va, el, Spot::Tier::Interpreter);
        block.gate.run = profile_entry;
    }
    block.start = block.gate.run != nullptr ? &block.gate : block.insns();
}

/// Stands where the code changed.
const Insn* Cpu::look_again(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.state_.pc = cpu.address_of(insn);
    return nullptr;
}

const Insn* Cpu::count_entry(Cpu& cpu, const Insn* gate) noexcept
{
    Block& block = *cpu.block_;
    if (--block.gate.imm != 0)
        return gate + 1;
    cpu.translator_->translate(block);
    return block.gate.run != count_entry ? block.gate.run(cpu, gate) : gate + 1;
}

/// count_entry() where entries are counted for the profile too. Blocks that T1 never gets have a
/// count of 0.
const Insn* Cpu::profile_entry(Cpu& cpu, const Insn* gate) noexcept
{
    Block& block = *cpu.block_;
    if (block.gate.imm != 0 && --block.gate.imm == 0) {
        cpu.translator_->translate(block);
        if (block.gate.run != profile_entry)
            return block.gate.run(cpu, gate);
    }
    ++block.spot()->entries;
    block.spot()->instructions += block.count;
    return gate + 1;
}

}  // namespace gh::cpu
