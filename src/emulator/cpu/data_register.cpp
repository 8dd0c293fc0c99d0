// SPDX-License-Identifier: BSD-3-Clause
// Data processing with registers: logic, addition, conditionals (DDI 0487 C4.1.95).
#include "emulator/cpu/decode.h"
#include "emulator/cpu/operands.h"

#include <array>
#include <bit>

namespace gh::cpu {
namespace {

using W = std::uint32_t;
using X = std::uint64_t;

enum class Flags { Keep, Set };
enum class Shift { Lsl, Lsr, Asr, Ror };

template <class T, Shift kShift>
T shifted(T value, unsigned amount)
{
    switch (kShift) {
    case Shift::Lsl: return static_cast<T>(value << amount);
    case Shift::Lsr: return static_cast<T>(value >> amount);
    case Shift::Asr: return static_cast<T>(static_cast<std::make_signed_t<T>>(value) >> amount);
    case Shift::Ror: return std::rotr(value, static_cast<int>(amount));
    }
    return value;
}

struct And {
    template <class T>
    static T apply(T a, T b)
    {
        return a & b;
    }
};
struct Bic {
    template <class T>
    static T apply(T a, T b)
    {
        return static_cast<T>(a & ~b);
    }
};
struct Orr {
    template <class T>
    static T apply(T a, T b)
    {
        return a | b;
    }
};
struct Orn {
    template <class T>
    static T apply(T a, T b)
    {
        return static_cast<T>(a | ~b);
    }
};
struct Eor {
    template <class T>
    static T apply(T a, T b)
    {
        return a ^ b;
    }
};
struct Eon {
    template <class T>
    static T apply(T a, T b)
    {
        return static_cast<T>(a ^ ~b);
    }
};

/// imm is the shift amount.
template <class T, Shift kShift, class Operation, Flags kFlags>
const Insn* logical(Cpu& cpu, const Insn* insn) noexcept
{
    const T b = shifted<T, kShift>(reg<T>(cpu, insn->rm), insn->imm);
    const T result = Operation::template apply<T>(reg<T>(cpu, insn->rn), b);
    if constexpr (kFlags == Flags::Set)
        cpu.state().nzcv = nzcv_of(result, false, false);
    set_reg<T>(cpu, insn->rd, result);
    return insn + 1;
}

/// MOV (register) and every unshifted form: most of them.
template <class T, class Operation>
const Insn* logical_plain(Cpu& cpu, const Insn* insn) noexcept
{
    set_reg<T>(cpu, insn->rd,
               Operation::template apply<T>(reg<T>(cpu, insn->rn), reg<T>(cpu, insn->rm)));
    return insn + 1;
}

void fill_three(std::uint32_t word, Insn& insn)
{
    insn.rd = rd_of(word);
    insn.rn = rn_of(word);
    insn.rm = rm_of(word);
}

template <class T, class Operation, Flags kFlags>
Handler pick_logical(unsigned shift, bool plain)
{
    static constexpr std::array<Handler, 4> kHandlers{
        logical<T, Shift::Lsl, Operation, kFlags>, logical<T, Shift::Lsr, Operation, kFlags>,
        logical<T, Shift::Asr, Operation, kFlags>, logical<T, Shift::Ror, Operation, kFlags>};
    if (plain && kFlags == Flags::Keep)
        return logical_plain<T, Operation>;
    return kHandlers[shift];
}

template <class Operation, Flags kFlags = Flags::Keep>
Handler translate_logical(std::uint32_t word, Insn& insn)
{
    fill_three(word, insn);
    insn.imm = static_cast<std::uint32_t>(bits(word, 10, 6));
    if (!is_wide(word) && insn.imm >= 32)
        return nullptr;
    const auto shift = static_cast<unsigned>(bits(word, 22, 2));
    return is_wide(word) ? pick_logical<X, Operation, kFlags>(shift, insn.imm == 0)
                         : pick_logical<W, Operation, kFlags>(shift, insn.imm == 0);
}

/// The addition itself, for all its forms.
template <class T, bool kSubtract, Flags kFlags>
const Insn* finish_add_sub(Cpu& cpu, const Insn* insn, T a, T b)
{
    if constexpr (kFlags == Flags::Set) {
        const auto sum = add_with_carry<T>(a, kSubtract ? static_cast<T>(~b) : b, kSubtract);
        cpu.state().nzcv = sum.nzcv;
        set_reg<T>(cpu, insn->rd, sum.value);
    } else {
        set_reg<T>(cpu, insn->rd, static_cast<T>(kSubtract ? a - b : a + b));
    }
    return insn + 1;
}

template <class T, Shift kShift, bool kSubtract, Flags kFlags>
const Insn* add_sub_shift(Cpu& cpu, const Insn* insn) noexcept
{
    return finish_add_sub<T, kSubtract, kFlags>(
        cpu, insn, reg<T>(cpu, insn->rn), shifted<T, kShift>(reg<T>(cpu, insn->rm), insn->imm));
}

template <class T, bool kSubtract, Flags kFlags>
const Insn* add_sub_plain(Cpu& cpu, const Insn* insn) noexcept
{
    return finish_add_sub<T, kSubtract, kFlags>(cpu, insn, reg<T>(cpu, insn->rn),
                                                reg<T>(cpu, insn->rm));
}

template <class T, bool kSubtract, Flags kFlags>
Handler pick_add_sub(unsigned shift, bool plain)
{
    static constexpr std::array<Handler, 4> kHandlers{
        add_sub_shift<T, Shift::Lsl, kSubtract, kFlags>,
        add_sub_shift<T, Shift::Lsr, kSubtract, kFlags>,
        add_sub_shift<T, Shift::Asr, kSubtract, kFlags>, nullptr};
    return plain && shift == 0 ? add_sub_plain<T, kSubtract, kFlags> : kHandlers[shift];
}

template <bool kSubtract, Flags kFlags>
Handler translate_add_sub(std::uint32_t word, Insn& insn)
{
    fill_three(word, insn);
    insn.imm = static_cast<std::uint32_t>(bits(word, 10, 6));
    if (!is_wide(word) && insn.imm >= 32)
        return nullptr;
    const auto shift = static_cast<unsigned>(bits(word, 22, 2));
    return is_wide(word) ? pick_add_sub<X, kSubtract, kFlags>(shift, insn.imm == 0)
                         : pick_add_sub<W, kSubtract, kFlags>(shift, insn.imm == 0);
}

/// imm = option << 3 | left shift (0..4).
template <class T, bool kSubtract, Flags kFlags>
const Insn* add_sub_extended(Cpu& cpu, const Insn* insn) noexcept
{
    const unsigned option = insn->imm >> 3;
    const unsigned width = 8u << (option & 3);
    const X value = cpu.state().x[insn->rm];
    const X extended = (option & 4) != 0 ? sign_extend(value, width) : bits(value, 0, width);
    return finish_add_sub<T, kSubtract, kFlags>(cpu, insn, reg<T>(cpu, insn->rn),
                                                static_cast<T>(extended << (insn->imm & 7)));
}

template <bool kSubtract, Flags kFlags>
Handler translate_extended(std::uint32_t word, Insn& insn)
{
    insn.rd = kFlags == Flags::Set ? rd_of(word) : field5(word, 0);
    insn.rn = field5(word, 5);
    insn.rm = rm_of(word);
    insn.imm = static_cast<std::uint32_t>(bits(word, 10, 6));
    if ((insn.imm & 7) > 4)
        return nullptr;
    return is_wide(word) ? add_sub_extended<X, kSubtract, kFlags>
                         : add_sub_extended<W, kSubtract, kFlags>;
}

template <class T, bool kSubtract, Flags kFlags>
const Insn* add_sub_carry(Cpu& cpu, const Insn* insn) noexcept
{
    const T b = reg<T>(cpu, insn->rm);
    const auto sum = add_with_carry<T>(reg<T>(cpu, insn->rn), kSubtract ? static_cast<T>(~b) : b,
                                       (cpu.state().nzcv & kC) != 0);
    if constexpr (kFlags == Flags::Set)
        cpu.state().nzcv = sum.nzcv;
    set_reg<T>(cpu, insn->rd, sum.value);
    return insn + 1;
}

template <bool kSubtract, Flags kFlags>
Handler translate_carry(std::uint32_t word, Insn& insn)
{
    fill_three(word, insn);
    return is_wide(word) ? add_sub_carry<X, kSubtract, kFlags>
                         : add_sub_carry<W, kSubtract, kFlags>;
}

// ---- Flag manipulation. imm = bits of NZCV to change << 4 | (RMIF: rotation in rm).

const Insn* rotate_into_flags(Cpu& cpu, const Insn* insn) noexcept
{
    const auto value = std::rotr(cpu.state().x[insn->rn], insn->rm);
    const auto mask = static_cast<W>(insn->imm) << 28;
    cpu.state().nzcv = (cpu.state().nzcv & ~mask) | (static_cast<W>(value) << 28 & mask);
    return insn + 1;
}

template <unsigned kBits>
const Insn* set_flags_from(Cpu& cpu, const Insn* insn) noexcept
{
    const X value = cpu.state().x[insn->rn];
    const bool n = bit(value, kBits - 1);
    const bool z = bits(value, 0, kBits) == 0;
    const bool v = bit(value, kBits) != n;
    cpu.state().nzcv = (cpu.state().nzcv & kC) | (n ? kN : 0) | (z ? kZ : 0) | (v ? kV : 0);
    return insn + 1;
}

// ---- Conditionals. imm = condition_mask | nzcv << 16; ra = an immediate operand.

template <class T, bool kSubtract, bool kImmediate>
const Insn* conditional_compare(Cpu& cpu, const Insn* insn) noexcept
{
    if (!holds(cpu, insn->imm & 0xffff)) {
        cpu.state().nzcv = insn->imm >> 16 << 28;
        return insn + 1;
    }
    const T b = kImmediate ? T{insn->ra} : reg<T>(cpu, insn->rm);
    cpu.state().nzcv =
        add_with_carry<T>(reg<T>(cpu, insn->rn), kSubtract ? static_cast<T>(~b) : b, kSubtract)
            .nzcv;
    return insn + 1;
}

template <bool kSubtract, bool kImmediate>
Handler translate_compare(std::uint32_t word, Insn& insn)
{
    insn.rn = rn_of(word);
    insn.rm = rm_of(word);
    insn.ra = field5(word, 16);
    insn.imm = condition_mask(static_cast<unsigned>(bits(word, 12, 4))) | (word & 15) << 16;
    return is_wide(word) ? conditional_compare<X, kSubtract, kImmediate>
                         : conditional_compare<W, kSubtract, kImmediate>;
}

template <class T, bool kInvert, bool kIncrement>
const Insn* conditional_select(Cpu& cpu, const Insn* insn) noexcept
{
    T value = reg<T>(cpu, insn->rn);
    if (!holds(cpu, insn->imm)) {
        value = reg<T>(cpu, insn->rm);
        value = static_cast<T>((kInvert ? static_cast<T>(~value) : value) + (kIncrement ? 1 : 0));
    }
    set_reg<T>(cpu, insn->rd, value);
    return insn + 1;
}

template <bool kInvert, bool kIncrement>
Handler translate_select(std::uint32_t word, Insn& insn)
{
    fill_three(word, insn);
    insn.imm = condition_mask(static_cast<unsigned>(bits(word, 12, 4)));
    return is_wide(word) ? conditional_select<X, kInvert, kIncrement>
                         : conditional_select<W, kInvert, kIncrement>;
}

}  // namespace

Handler AND_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<And>(word, insn);
}
Handler BIC_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<Bic>(word, insn);
}
Handler ORR_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<Orr>(word, insn);
}
Handler ORN_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<Orn>(word, insn);
}
Handler EOR_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<Eor>(word, insn);
}
Handler EON_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<Eon>(word, insn);
}

Handler ANDS_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<And, Flags::Set>(word, insn);
}

Handler BICS_shift(std::uint32_t word, Insn& insn)
{
    return translate_logical<Bic, Flags::Set>(word, insn);
}

Handler ADD_shift(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<false, Flags::Keep>(word, insn);
}

Handler ADDS_shift(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<false, Flags::Set>(word, insn);
}

Handler SUB_shift(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<true, Flags::Keep>(word, insn);
}

Handler SUBS_shift(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<true, Flags::Set>(word, insn);
}

Handler ADD_ext(std::uint32_t word, Insn& insn)
{
    return translate_extended<false, Flags::Keep>(word, insn);
}

Handler ADDS_ext(std::uint32_t word, Insn& insn)
{
    return translate_extended<false, Flags::Set>(word, insn);
}

Handler SUB_ext(std::uint32_t word, Insn& insn)
{
    return translate_extended<true, Flags::Keep>(word, insn);
}

Handler SUBS_ext(std::uint32_t word, Insn& insn)
{
    return translate_extended<true, Flags::Set>(word, insn);
}

Handler ADC(std::uint32_t word, Insn& insn)
{
    return translate_carry<false, Flags::Keep>(word, insn);
}

Handler ADCS(std::uint32_t word, Insn& insn)
{
    return translate_carry<false, Flags::Set>(word, insn);
}

Handler SBC(std::uint32_t word, Insn& insn)
{
    return translate_carry<true, Flags::Keep>(word, insn);
}

Handler SBCS(std::uint32_t word, Insn& insn)
{
    return translate_carry<true, Flags::Set>(word, insn);
}

Handler RMIF(std::uint32_t word, Insn& insn)
{
    insn.rn = rn_of(word);
    insn.rm = static_cast<std::uint8_t>(bits(word, 15, 6));
    insn.imm = word & 15;
    return rotate_into_flags;
}

Handler SETF8(std::uint32_t word, Insn& insn)
{
    insn.rn = rn_of(word);
    return set_flags_from<8>;
}

Handler SETF16(std::uint32_t word, Insn& insn)
{
    insn.rn = rn_of(word);
    return set_flags_from<16>;
}

Handler CCMN_reg(std::uint32_t word, Insn& insn)
{
    return translate_compare<false, false>(word, insn);
}
Handler CCMN_imm(std::uint32_t word, Insn& insn)
{
    return translate_compare<false, true>(word, insn);
}
Handler CCMP_reg(std::uint32_t word, Insn& insn)
{
    return translate_compare<true, false>(word, insn);
}
Handler CCMP_imm(std::uint32_t word, Insn& insn)
{
    return translate_compare<true, true>(word, insn);
}
Handler CSEL(std::uint32_t word, Insn& insn)
{
    return translate_select<false, false>(word, insn);
}
Handler CSINC(std::uint32_t word, Insn& insn)
{
    return translate_select<false, true>(word, insn);
}
Handler CSINV(std::uint32_t word, Insn& insn)
{
    return translate_select<true, false>(word, insn);
}
Handler CSNEG(std::uint32_t word, Insn& insn)
{
    return translate_select<true, true>(word, insn);
}

}  // namespace gh::cpu
