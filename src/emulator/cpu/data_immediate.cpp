// SPDX-License-Identifier: BSD-3-Clause
// Data processing with an immediate (DDI 0487 C4.1.93).
#include "emulator/cpu/bitmask.h"
#include "emulator/cpu/decode.h"
#include "emulator/cpu/operands.h"

#include <bit>

namespace gh::cpu {
namespace {

enum class Flags { Keep, Set };

/// rd = rn + imm or rn - imm.
template <class T, bool kSubtract, Flags kFlags>
const Insn* add_sub_imm(Cpu& cpu, const Insn* insn) noexcept
{
    const T a = reg<T>(cpu, insn->rn);
    const T b = insn->imm;
    if constexpr (kFlags == Flags::Set) {
        const auto sum = add_with_carry<T>(a, kSubtract ? static_cast<T>(~b) : b, kSubtract);
        cpu.state().nzcv = sum.nzcv;
        set_reg<T>(cpu, insn->rd, sum.value);
    } else {
        set_reg<T>(cpu, insn->rd, static_cast<T>(kSubtract ? a - b : a + b));
    }
    return insn + 1;
}

template <bool kSubtract, Flags kFlags>
Handler translate_add_sub(std::uint32_t word, Insn& insn)
{
    insn.rn = field5(word, 5);
    insn.rd = kFlags == Flags::Set ? rd_of(word) : field5(word, 0);
    insn.imm = static_cast<std::uint32_t>(bits(word, 10, 12) << (bit(word, 22) ? 12 : 0));
    return is_wide(word) ? add_sub_imm<std::uint64_t, kSubtract, kFlags>
                         : add_sub_imm<std::uint32_t, kSubtract, kFlags>;
}

struct And {
    template <class T>
    static T apply(T a, T b)
    {
        return a & b;
    }
};
struct Orr {
    template <class T>
    static T apply(T a, T b)
    {
        return a | b;
    }
};
struct Eor {
    template <class T>
    static T apply(T a, T b)
    {
        return a ^ b;
    }
};

/// insn->imm indexes the table of bitmasks.
template <class T, class Operation, Flags kFlags>
const Insn* logical_imm(Cpu& cpu, const Insn* insn) noexcept
{
    const T result =
        Operation::template apply<T>(reg<T>(cpu, insn->rn), static_cast<T>(bitmask_at(insn->imm)));
    if constexpr (kFlags == Flags::Set)
        cpu.state().nzcv = nzcv_of(result, false, false);
    set_reg<T>(cpu, insn->rd, result);
    return insn + 1;
}

template <class Operation, Flags kFlags>
Handler translate_logical(std::uint32_t word, Insn& insn)
{
    insn.imm = static_cast<std::uint32_t>(bits(word, 10, 13));
    if ((!is_wide(word) && bit(word, 22)) || !bitmask_is_valid(insn.imm))
        return nullptr;
    insn.rn = rn_of(word);
    insn.rd = kFlags == Flags::Set ? rd_of(word) : field5(word, 0);
    return is_wide(word) ? logical_imm<std::uint64_t, Operation, kFlags>
                         : logical_imm<std::uint32_t, Operation, kFlags>;
}

/// A constant known when translating, up to 32 bits wide and shifted left by `rn`.
const Insn* move_constant(Cpu& cpu, const Insn* insn) noexcept
{
    cpu.state().x[insn->rd] = std::uint64_t{insn->imm} << insn->rn;
    return insn + 1;
}

template <class T>
const Insn* move_not(Cpu& cpu, const Insn* insn) noexcept
{
    set_reg<T>(cpu, insn->rd, static_cast<T>(~(T{insn->imm} << insn->rn)));
    return insn + 1;
}

template <class T>
const Insn* move_keep(Cpu& cpu, const Insn* insn) noexcept
{
    const T mask = static_cast<T>(T{0xffff} << insn->rn);
    set_reg<T>(cpu, insn->rd,
               static_cast<T>((reg<T>(cpu, insn->rd) & ~mask) | (T{insn->imm} << insn->rn)));
    return insn + 1;
}

/// hw beyond the register is unallocated.
bool fill_move(std::uint32_t word, Insn& insn)
{
    insn.rd = rd_of(word);
    insn.imm = static_cast<std::uint32_t>(bits(word, 5, 16));
    insn.rn = static_cast<std::uint8_t>(bits(word, 21, 2) * 16);
    return is_wide(word) || insn.rn < 32;
}

template <bool kPage>
const Insn* address(Cpu& cpu, const Insn* insn) noexcept
{
    const std::uint64_t pc = cpu.address_of(insn);
    cpu.state().x[insn->rd] =
        kPage ? (pc & ~0xfffull) + (signed_value(insn) << 12) : pc + signed_value(insn);
    return insn + 1;
}

void fill_address(std::uint32_t word, Insn& insn)
{
    const auto imm = bits(word, 5, 19) << 2 | bits(word, 29, 2);
    insn.imm = static_cast<std::uint32_t>(sign_extend(imm, 21));
    insn.rd = rd_of(word);
}

// ---- Bit fields. rm = immr, ra = imms.

/// SBFX, ASR, SXTx: bits [s:r] of rn to the bottom, sign-extended.
template <class T>
const Insn* signed_extract(Cpu& cpu, const Insn* insn) noexcept
{
    using S = std::make_signed_t<T>;
    const unsigned up = kWidth<T> - 1 - insn->ra;
    const auto top = static_cast<S>(reg<T>(cpu, insn->rn) << up);
    set_reg<T>(cpu, insn->rd, static_cast<T>(top >> (up + insn->rm)));
    return insn + 1;
}

/// SBFIZ: the low bits of rn moved up, sign-extended.
template <class T>
const Insn* signed_insert(Cpu& cpu, const Insn* insn) noexcept
{
    using S = std::make_signed_t<T>;
    const auto top = static_cast<S>(reg<T>(cpu, insn->rn) << (kWidth<T> - 1 - insn->ra));
    set_reg<T>(cpu, insn->rd, static_cast<T>(top >> (insn->rm - insn->ra - 1)));
    return insn + 1;
}

template <class T>
const Insn* unsigned_extract(Cpu& cpu, const Insn* insn) noexcept
{
    const unsigned up = kWidth<T> - 1 - insn->ra;
    set_reg<T>(cpu, insn->rd,
               static_cast<T>(static_cast<T>(reg<T>(cpu, insn->rn) << up) >> (up + insn->rm)));
    return insn + 1;
}

template <class T>
const Insn* unsigned_insert(Cpu& cpu, const Insn* insn) noexcept
{
    const T top = static_cast<T>(reg<T>(cpu, insn->rn) << (kWidth<T> - 1 - insn->ra));
    set_reg<T>(cpu, insn->rd, static_cast<T>(top >> (insn->rm - insn->ra - 1)));
    return insn + 1;
}

template <class T>
const Insn* bitfield_move(Cpu& cpu, const Insn* insn) noexcept
{
    const unsigned r = insn->rm;
    const unsigned s = insn->ra;
    const T from = reg<T>(cpu, insn->rn);
    const T to = reg<T>(cpu, insn->rd == kSink ? unsigned{kZero} : insn->rd);
    const unsigned width = s >= r ? s - r + 1 : s + 1;
    const unsigned low = s >= r ? 0 : kWidth<T> - r;
    const T field = static_cast<T>(~T{0} >> (kWidth<T> - width));
    const T value = static_cast<T>((s >= r ? from >> r : from) & field);
    set_reg<T>(cpu, insn->rd, static_cast<T>((to & ~(field << low)) | (value << low)));
    return insn + 1;
}

struct BitfieldHandlers {
    Handler extract;
    Handler insert;
};

template <class T>
Handler translate_bitfield(std::uint32_t word, Insn& insn, const BitfieldHandlers& handlers)
{
    const auto immr = static_cast<std::uint8_t>(bits(word, 16, 6));
    const auto imms = static_cast<std::uint8_t>(bits(word, 10, 6));
    if (bit(word, 22) != is_wide(word) || immr >= kWidth<T> || imms >= kWidth<T>)
        return nullptr;
    insn.rd = rd_of(word);
    insn.rn = rn_of(word);
    insn.ra = imms;
    insn.rm = immr;
    return imms >= immr ? handlers.extract : handlers.insert;
}

template <class T>
const Insn* extract_pair(Cpu& cpu, const Insn* insn) noexcept
{
    const T high = reg<T>(cpu, insn->rn);
    const T low = reg<T>(cpu, insn->rm);
    const unsigned shift = insn->ra;
    set_reg<T>(cpu, insn->rd,
               shift == 0 ? low : static_cast<T>(low >> shift | high << (kWidth<T> - shift)));
    return insn + 1;
}

}  // namespace

Handler ADR(std::uint32_t word, Insn& insn)
{
    fill_address(word, insn);
    return address<false>;
}

Handler ADRP(std::uint32_t word, Insn& insn)
{
    fill_address(word, insn);
    return address<true>;
}

Handler ADD_imm(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<false, Flags::Keep>(word, insn);
}

Handler ADDS_imm(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<false, Flags::Set>(word, insn);
}

Handler SUB_imm(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<true, Flags::Keep>(word, insn);
}

Handler SUBS_imm(std::uint32_t word, Insn& insn)
{
    return translate_add_sub<true, Flags::Set>(word, insn);
}

Handler AND_imm(std::uint32_t word, Insn& insn)
{
    return translate_logical<And, Flags::Keep>(word, insn);
}

Handler ORR_imm(std::uint32_t word, Insn& insn)
{
    return translate_logical<Orr, Flags::Keep>(word, insn);
}

Handler EOR_imm(std::uint32_t word, Insn& insn)
{
    return translate_logical<Eor, Flags::Keep>(word, insn);
}

Handler ANDS_imm(std::uint32_t word, Insn& insn)
{
    return translate_logical<And, Flags::Set>(word, insn);
}

Handler MOVN(std::uint32_t word, Insn& insn)
{
    if (!fill_move(word, insn))
        return nullptr;
    return is_wide(word) ? move_not<std::uint64_t> : move_not<std::uint32_t>;
}

Handler MOVZ(std::uint32_t word, Insn& insn)
{
    return fill_move(word, insn) ? move_constant : nullptr;
}

Handler MOVK(std::uint32_t word, Insn& insn)
{
    if (!fill_move(word, insn))
        return nullptr;
    return is_wide(word) ? move_keep<std::uint64_t> : move_keep<std::uint32_t>;
}

Handler SBFM(std::uint32_t word, Insn& insn)
{
    using W = std::uint32_t;
    using X = std::uint64_t;
    return is_wide(word) ? translate_bitfield<X>(word, insn, {signed_extract<X>, signed_insert<X>})
                         : translate_bitfield<W>(word, insn, {signed_extract<W>, signed_insert<W>});
}

Handler UBFM(std::uint32_t word, Insn& insn)
{
    using W = std::uint32_t;
    using X = std::uint64_t;
    return is_wide(word)
               ? translate_bitfield<X>(word, insn, {unsigned_extract<X>, unsigned_insert<X>})
               : translate_bitfield<W>(word, insn, {unsigned_extract<W>, unsigned_insert<W>});
}

Handler BFM(std::uint32_t word, Insn& insn)
{
    using W = std::uint32_t;
    using X = std::uint64_t;
    return is_wide(word) ? translate_bitfield<X>(word, insn, {bitfield_move<X>, bitfield_move<X>})
                         : translate_bitfield<W>(word, insn, {bitfield_move<W>, bitfield_move<W>});
}

Handler EXTR(std::uint32_t word, Insn& insn)
{
    insn.rd = rd_of(word);
    insn.rn = rn_of(word);
    insn.rm = rm_of(word);
    insn.ra = static_cast<std::uint8_t>(bits(word, 10, 6));
    if (bit(word, 22) != is_wide(word) || (!is_wide(word) && insn.ra >= 32))
        return nullptr;
    return is_wide(word) ? extract_pair<std::uint64_t> : extract_pair<std::uint32_t>;
}

}  // namespace gh::cpu
