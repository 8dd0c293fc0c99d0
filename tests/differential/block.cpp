// SPDX-License-Identifier: BSD-3-Clause
#include "block.h"

#include "base/bits.h"
#include "emulator/cpu/decode.h"
#include "random.h"
#include "values.h"
#include "words.h"
#include "world.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

namespace gh::differential {
namespace {

constexpr unsigned kLeast = 8;
constexpr unsigned kMost = 64;
constexpr unsigned kFuel = 15;  // the register that counts ways back
constexpr std::int64_t kBehindAllCode = World::kCodePages * World::kPage / 4;  // words

constexpr std::uint32_t with(std::uint32_t word, unsigned low, unsigned width, std::uint64_t value)
{
    const auto mask = static_cast<std::uint32_t>((1ull << width) - 1) << low;
    return (word & ~mask) | (static_cast<std::uint32_t>(value << low) & mask);
}

using Rows = std::vector<const cpu::Encoding*>;

/// The rows a block is made of, by how often they are worth taking.
struct Pools {
    Rows flags;
    Rows memory;
    Rows other;
    Rows simd;
};

bool starts_with_one_of(std::string_view name, std::initializer_list<std::string_view> beginnings)
{
    return std::any_of(beginnings.begin(), beginnings.end(),
                       [&](std::string_view text) { return name.substr(0, text.size()) == text; });
}

Pools make_pools()
{
    Pools pools;
    for (const cpu::Encoding& row : cpu::encodings()) {
        const std::string_view name = row.name;
        if ((row.match & 0xfe00'0000) == 0xd600'0000)
            continue;  // indirect branches: see Maker
        if (row.fp || (row.match & 0x0e00'0000) == 0x0e00'0000)
            pools.simd.push_back(&row);
        else if ((row.match & 0x0a00'0000) == 0x0800'0000)
            pools.memory.push_back(&row);
        else if (starts_with_one_of(name, {"ADDS", "SUBS", "ANDS", "BICS", "ADC", "SBC", "CCM",
                                           "CS", "RMIF", "SETF"}))
            pools.flags.push_back(&row);
        else
            pools.other.push_back(&row);
    }
    return pools;
}

/// What EL1 has beyond EL0, without what changes the world under the block.
constexpr std::array<std::uint32_t, 44> kPrivileged{
    0xd538'4000, 0xd518'4000,  // SPSR_EL1
    0xd538'4020, 0xd518'4020,  // ELR_EL1
    0xd538'4100, 0xd518'4100,  // SP_EL0
    0xd538'4200,               // SPSel
    0xd538'4240,               // CurrentEL
    0xd538'4260,               // PAN
    0xd53b'4220, 0xd51b'4220,  // DAIF
    0xd53b'4200, 0xd51b'4200,  // NZCV
    0xd538'5200, 0xd518'5200,  // ESR_EL1
    0xd538'6000, 0xd518'6000,  // FAR_EL1
    0xd538'7400, 0xd518'7400,  // PAR_EL1
    0xd538'd020, 0xd518'd020,  // CONTEXTIDR_EL1
    0xd538'd080, 0xd518'd080,  // TPIDR_EL1
    0xd53b'd040, 0xd51b'd040,  // TPIDR_EL0
    0xd538'1000, 0xd538'0000,  // SCTLR_EL1, MIDR_EL1
    0xd500'40bf, 0xd500'41bf,  // MSR SPSel, #0 and #1
    0xd500'409f, 0xd500'419f,  // MSR PAN, #0 and #1
    0xd503'4fdf, 0xd503'4fff,  // MSR DAIFSet, #15; DAIFClr, #15
    0xd508'7800, 0xd508'7820,  // AT S1E1R, S1E1W
    0xd508'7840, 0xd508'7860,  // AT S1E0R, S1E0W
    0xd508'871f, 0xd508'8720,  // TLBI VMALLE1, VAE1
    0xd508'8740, 0xd508'83a0,  // TLBI ASIDE1, VALE1IS
    0xd50b'7420,               // DC ZVA
    0xd503'3fdf,               // ISB
};

/// Words after which a block of EL0 goes on, though it be rare.
constexpr std::array<std::uint32_t, 8> kUnprivileged{
    0xd503'3fdf,  // ISB
    0xd503'3f9f,  // DSB SY
    0xd50b'7420,  // DC ZVA
    0xd53b'd040,  // MRS TPIDR_EL0
    0xd51b'd040,  // MSR TPIDR_EL0
    0xd53b'4200,  // MRS NZCV
    0xd51b'4200,  // MSR NZCV
    0xd50b'7520,  // IC IVAU
};

/// Whether the word may touch the register that counts.
bool mentions_fuel(std::uint32_t word)
{
    for (const unsigned low : {0u, 5u, 10u, 16u}) {
        const std::uint32_t field = word >> low & 31;
        if (field == kFuel || field == kFuel - 1)  // the second of a CASP pair
            return true;
    }
    return false;
}

/// MSR VBAR_EL1
bool moves_vectors(std::uint32_t word)
{
    return (word & 0xffff'ffe0) == 0xd518'c000;
}

bool is_direct_branch(std::uint32_t word)
{
    return (word & 0x7c00'0000) == 0x1400'0000 || (word & 0xff00'0000) == 0x5400'0000 ||
           (word & 0x7c00'0000) == 0x3400'0000;
}

std::uint32_t aimed(std::uint32_t branch, std::int64_t words)
{
    const auto displacement = static_cast<std::uint64_t>(words);
    if ((branch & 0x7c00'0000) == 0x1400'0000)
        return with(branch, 0, 26, displacement);
    if ((branch & 0x7e00'0000) == 0x3600'0000)
        return with(branch, 5, 14, displacement);
    return with(branch, 5, 19, displacement);
}

/// ADR of a word so many words from here.
std::uint32_t adr(unsigned rd, std::int64_t words)
{
    return with(0x1000'0000 | rd, 5, 19, static_cast<std::uint64_t>(words));
}

class Maker {
public:
    Maker(Random& random, bool el1, std::uint64_t base)
        : random_(random),
          el1_(el1),
          base_(base),
          size_(kLeast + random.below(kMost - kLeast + 1)),
          mostly_simd_(random.once_in(4))
    {
    }

    std::vector<std::uint32_t> make()
    {
        landing_.assign(size_ + 1, true);
        while (words_.size() < size_)
            add_something();
        // B to the exit.
        const std::uint64_t here = base_ + words_.size() * 4;
        const std::uint64_t exit = align_down(base_, 0x20'0000) + World::kExitDelta;
        landing_.resize(words_.size() + 1, true);
        words_.push_back(aimed(0x1400'0000, static_cast<std::int64_t>(exit - here) / 4));
        for (const Fixup& fixup : fixups_)
            fix(fixup);
        for (const std::size_t change : changes_)
            choose_change(change);
        return words_;
    }

private:
    struct Fixup {
        std::size_t at;
        bool forward;
    };
    static constexpr unsigned kTemporary = 13;

    [[nodiscard]] std::size_t place() const { return words_.size(); }
    /// Whether the code behind this place can be fetched, however long it gets.
    [[nodiscard]] bool all_mapped() const
    {
        constexpr std::uint64_t kLast = (World::kCodePages - 1) * World::kPage;
        return base_ % 0x20'0000 < kLast;
    }

    void add(std::uint32_t word) { words_.push_back(word); }
    /// A word that must not be reached but through the one before.
    void add_inner(std::uint32_t word)
    {
        landing_.resize(std::max(landing_.size(), words_.size() + 2), true);
        landing_[words_.size()] = false;
        words_.push_back(word);
    }
    void add_inner_branch(std::uint32_t word, bool forward)
    {
        fixups_.push_back({place(), forward});
        add_inner(word);
    }

    void add_something()
    {
        switch (random_.below(32)) {
        case 0:
        case 1: return add_way_back();
        case 2: return add_indirect();
        case 3: return el1_ && random_.once_in(3) ? add_exception_return() : add_row();
        case 4:
        case 5:
        case 6:
        case 7: return add_forward_branch();
        case 8:
        case 9: return add_system();
        case 10: return random_.once_in(4) && all_mapped() ? add_new_code() : add_row();
        default: return add_row();
        }
    }

    /// An instruction of some row; or, in bad luck, none.
    void add_row()
    {
        static const Pools kPools = make_pools();
        const unsigned choice = mostly_simd_ && !random_.once_in(4) ? 15 : random_.below(16);
        const Rows& rows = choice < 5    ? kPools.flags
                           : choice < 9  ? kPools.memory
                           : choice < 13 ? kPools.other
                                         : kPools.simd;
        const cpu::Encoding& row = *rows[random_.below(static_cast<unsigned>(rows.size()))];
        const bool ends = (row.match & 0xff00'0000) == 0xd400'0000;  // SVC, BRK and such
        if (ends && !random_.once_in(16))
            return;
        const auto word = word_of(row, 0, 16, random_);
        if (!word || mentions_fuel(*word) || moves_vectors(*word))
            return;
        const bool literal =
            (*word & 0x3b00'0000) == 0x1800'0000 || (*word & 0x9f00'0000) == 0x1000'0000;
        if (is_direct_branch(*word)) {
            if (random_.once_in(24))
                return add(aimed(*word, kBehindAllCode + random_.below(64)));
            fixups_.push_back({place(), true});
            return add(*word);
        }
        if (literal)
            return add(*word);
        plain_.push_back(place());
        add(nearer(row, *word));
    }

    /// Often the same few registers, so that results are used.
    std::uint32_t nearer(const cpu::Encoding& row, std::uint32_t word)
    {
        if (random_.once_in(2) || (row.match & 0x0a00'0000) == 0x0800'0000)
            return word;
        std::uint32_t changed = word;
        for (const unsigned low : {0u, 5u, 16u})
            if ((row.mask >> low & 31) == 0)
                changed = with(changed, low, 5, word >> low & 7);
        cpu::Insn insn;
        const bool same = cpu::find_encoding(changed) == &row;
        return same && row.translate(changed, insn) != nullptr ? changed : word;
    }

    void add_forward_branch()
    {
        fixups_.push_back({place(), true});
        const std::uint32_t bits = random_.word();
        switch (random_.below(5)) {
        case 0: return add(0x3400'0000 | (bits & 0x8100'001f));  // CBZ, CBNZ
        case 1: return add(0x3600'0000 | (bits & 0x81f8'001f));  // TBZ, TBNZ
        case 2: return add(0x1400'0000 | (bits & 0x8000'0000 & (random_.once_in(2) ? ~0u : 0)));
        default: return add(0x5400'0000 | (bits & 15));
        }
    }

    void add_way_back()
    {
        const bool flags = random_.once_in(2);
        add((flags ? 0xf100'0400 : 0xd100'0400) | kFuel << 5 | kFuel);  // sub(s) x15, x15, #1
        switch (random_.below(flags ? 4 : 2)) {
        case 0:  // tbz x15, #63
            add_inner_branch(0xb6f8'0000 | kFuel, false);
            break;
        case 1:  // tbnz x15, #63, +8; b
            add_inner(0xb7f8'0040 | kFuel);
            add_inner_branch(0x1400'0000, false);
            break;
        case 2:  // cset w13, gt; cbnz w13
            add_inner(0x1a9f'd7e0 | kTemporary);
            add_inner_branch(0x3500'0000 | kTemporary, false);
            break;
        default: {  // b.ge, b.gt, b.pl
            constexpr std::array<std::uint32_t, 3> kConditions{0xa, 0xc, 0x5};
            add_inner_branch(0x5400'0000 | kConditions.at(random_.below(3)), false);
        }
        }
    }

    /// adr x13, forward; br, blr or ret x13
    void add_indirect()
    {
        fixups_.push_back({place(), true});
        add(adr(kTemporary, 0));
        constexpr std::array<std::uint32_t, 3> kBranches{0xd61f'0000, 0xd63f'0000, 0xd65f'0000};
        add_inner(kBranches.at(random_.below(3)) | kTemporary << 5);
    }

    /// adr x13, forward; msr elr_el1, x13; msr spsr_el1, any; eret
    void add_exception_return()
    {
        fixups_.push_back({place(), true});
        add(adr(kTemporary, 0));
        add_inner(0xd518'4020 | kTemporary);
        if (random_.once_in(4))
            add_inner(0xd518'4000 | random_.below(kFuel - 2));
        add_inner(0xd69f'03e0);
    }

    void add_system()
    {
        const std::uint32_t word = el1_ ? kPrivileged.at(random_.below(kPrivileged.size()))
                                        : kUnprivileged.at(random_.below(kUnprivileged.size()));
        const bool has_register = (word & 31) == 0;
        unsigned rt = random_.below(32);
        if (rt == kFuel)
            rt = 31;
        // Operations on addresses, mostly on good ones.
        if ((word & 0xfff8'0000) == 0xd508'0000 && !random_.once_in(4))
            rt = kFirstAddress + random_.below(kFirstOffset - kFirstAddress);
        add(has_register ? word | rt : word);
    }

    /// Copies one instruction of the block over another, as the manual wants it done (DDI 0487
    /// B2.4.4): adr x13, there; add x12, x13, #(writable alias); ldr w14, (the other); str w14,
    /// [x12]; eor x12, x12, x12; dc cvau, x13; dsb; ic ivau, x13; dsb; isb
    void add_new_code()
    {
        changes_.push_back(place());
        add(adr(kTemporary, 0));
        add_inner(0x9160'0000 | kTemporary << 5 | 12);  // add x12, x13, #0x800, lsl #12
        add_inner(0x1800'0000 | 14);
        add_inner(0xb900'018e);
        add_inner(0xca0c'018c);  // eor x12, x12, x12: nobody else is to write code
        add_inner(0xd50b'7b2d);
        add_inner(0xd503'3f9f);
        add_inner(0xd50b'752d);
        add_inner(0xd503'3f9f);
        add_inner(0xd503'3fdf);
    }

    [[nodiscard]] bool may_land(std::size_t at) const
    {
        return at >= landing_.size() || landing_[at];
    }

    void fix(const Fixup& fixup)
    {
        const std::size_t last = words_.size() - 1;
        std::size_t to = 0;
        do {
            to = fixup.forward ? fixup.at + 1 +
                                     random_.below(static_cast<unsigned>(
                                         std::min<std::size_t>(last - fixup.at, 12)))
                               : random_.below(static_cast<unsigned>(fixup.at));
        } while (!may_land(to));
        const auto words = static_cast<std::int64_t>(to) - static_cast<std::int64_t>(fixup.at);
        std::uint32_t& word = words_[fixup.at];
        word = (word & 0x9f00'0000) == 0x1000'0000 ? adr(word & 31, words) : aimed(word, words);
    }

    /// Which instruction the code that begins at `at` copies where.
    void choose_change(std::size_t at)
    {
        const auto any = [&] {
            return plain_.empty() ? at
                                  : plain_[random_.below(static_cast<unsigned>(plain_.size()))];
        };
        const auto from = [](std::size_t here, std::size_t to) {
            return static_cast<std::int64_t>(to) - static_cast<std::int64_t>(here);
        };
        words_[at] = adr(kTemporary, from(at, any()));
        words_[at + 2] =
            with(words_[at + 2], 5, 19, static_cast<std::uint64_t>(from(at + 2, any())));
    }

    Random& random_;
    const bool el1_;
    const std::uint64_t base_;
    const std::size_t size_;
    const bool mostly_simd_;  // so that loops keep V registers in host registers
    std::vector<std::uint32_t> words_;
    std::vector<bool> landing_;
    std::vector<Fixup> fixups_;
    std::vector<std::size_t> changes_;
    std::vector<std::size_t> plain_;  // what may stand anywhere
};

/// Around the ends of all kinds of pages.
std::uint64_t odd_address(Random& random)
{
    const unsigned page =
        World::kFirstOddPage - 1 + random.below(World::kWindowPages - World::kFirstOddPage + 1);
    const std::uint64_t address =
        World::kWindow + (page + 1) * World::kPage - 96 + random.below(160);
    return random.once_in(2) ? address & ~15ull : address;
}

std::uint64_t random_pstate(Random& random, bool el1)
{
    constexpr std::uint64_t kDit = 1ull << 24;
    constexpr std::uint64_t kPan = 1ull << 22;
    constexpr std::uint64_t kSsbs = 1ull << 12;
    constexpr std::uint64_t kDaif = 0x3c0;
    const std::uint64_t mode = !el1 ? 0 : random.once_in(4) ? 4 : 5;
    std::uint64_t kept = kNzcvMask | kDit | kSsbs | kDaif;
    if (random.once_in(4))
        kept |= kPan;
    return (random.next() & kept) | mode;
}

cpu::State random_start(Random& random, bool el1, std::uint64_t pc, const cpu::State& initial)
{
    Registers registers;
    fill(registers, random);
    for (unsigned i = kFirstAddress; i < kFirstOffset; ++i)
        if (random.once_in(4))
            registers.x[i] = odd_address(random);
    cpu::State state = initial;
    std::copy_n(registers.x, 31, state.x.begin());
    state.x[kFuel] = random.below(6);
    std::uint64_t stack = random.once_in(8) ? odd_address(random) & ~15ull : registers.sp;
    if (random.once_in(16))
        stack |= 8;
    state.x[cpu::kSp] = stack;  // SP_EL1: ERET is executed with it
    state.sp_el0 = el1 ? registers.sp ^ 16 : stack;
    state.fpcr = registers.fpcr;
    state.fpsr = registers.fpsr;
    std::copy_n(&registers.v[0], 64, &state.v[0].d[0]);
    state.tpidr_el0 = random.next();
    state.tpidr_el1 = random.next();
    state.far_el1 = random.next();
    state.elr_el1 = pc;
    state.spsr_el1 = random_pstate(random, el1);
    return state;
}

}  // namespace

bool counts_down(std::uint32_t word) noexcept
{
    return (word & 0xdfff'ffff) == (0xd100'0400 | kFuel << 5 | kFuel);
}

RandomBlock random_block(std::uint64_t seed, std::uint64_t number, const cpu::State& initial)
{
    Random random(seed * 0x1'0000'01b3 + number);
    const bool el1 = random.once_in(2);
    const std::uint64_t code = random.once_in(4) ? World::kSharedCode
                               : el1             ? World::kKernelCode
                                                 : World::kUserCode;
    RandomBlock block;
    // One in four across the end of a page; the last page has none behind it.
    const unsigned page = random.below(World::kCodePages);
    block.offset = page * World::kPage +
                   4u * (random.once_in(4) ? 1024 - 1 - random.below(kMost) : random.below(900));
    block.words = Maker(random, el1, code + block.offset).make();
    for (cpu::State& start : block.starts)
        start = random_start(random, el1, code + block.offset, initial);
    return block;
}
}  // namespace gh::differential
