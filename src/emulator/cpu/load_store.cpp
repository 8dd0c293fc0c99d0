// SPDX-License-Identifier: BSD-3-Clause
// Loads and stores of general registers (DDI 0487 C4.1.96): single, pair, literal, unprivileged.
#include "emulator/cpu/decode.h"
#include "emulator/cpu/operands.h"

#include <array>
#include <atomic>

namespace gh::cpu {
namespace {

using X = std::uint64_t;
using W = std::uint32_t;
using H = std::uint16_t;
using B8 = std::uint8_t;

/// What a load makes of the bytes: zero-extended, sign-extended to W, or to X.
enum class Extend { Zero, SignW, SignX };

template <class T, Extend kExtend>
X extended(T value)
{
    if constexpr (kExtend == Extend::Zero)
        return value;
    const X wide = sign_extend(value, kWidth<T>);
    return kExtend == Extend::SignX ? wide : static_cast<W>(wide);
}

/// The syndrome of a load or store of register `rt` without write-back.
template <class T, Extend kExtend>
constexpr Syndrome syndrome_of(std::uint8_t rt)
{
    return {.valid = true,
            .sign_extend = kExtend != Extend::Zero,
            .wide = kExtend == Extend::SignX || sizeof(T) == 8,
            .rt = rt};
}

// ---- One register. rd = Rt, rn = base (may be SP), rm = index, imm = offset.

enum class Mode { Offset, Pre, Post, Unprivileged };

template <Mode kMode>
Tlb& tlb_for(Cpu& cpu)
{
    return kMode == Mode::Unprivileged ? cpu.unprivileged_tlb() : cpu.current_tlb();
}

template <class T, Extend kExtend, Mode kMode>
const Insn* load_imm(Cpu& cpu, const Insn* insn) noexcept
{
    constexpr bool kWritesBack = kMode == Mode::Pre || kMode == Mode::Post;
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    auto& x = cpu.state().x;
    const X base = x[insn->rn];
    const X moved = base + signed_value(insn);
    T value{};
    const Syndrome syndrome = kWritesBack ? Syndrome{} : syndrome_of<T, kExtend>(insn->rd);
    if (!cpu.load_as<T>(insn, kMode == Mode::Post ? base : moved, value, tlb_for<kMode>(cpu),
                        syndrome))
        return nullptr;
    if constexpr (kWritesBack)
        x[insn->rn] = moved;
    x[insn->rd] = extended<T, kExtend>(value);
    return insn + 1;
}

template <class T, Mode kMode>
const Insn* store_imm(Cpu& cpu, const Insn* insn) noexcept
{
    constexpr bool kWritesBack = kMode == Mode::Pre || kMode == Mode::Post;
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    auto& x = cpu.state().x;
    const X base = x[insn->rn];
    const X moved = base + signed_value(insn);
    const Syndrome syndrome = kWritesBack ? Syndrome{} : syndrome_of<T, Extend::Zero>(insn->rd);
    if (!cpu.store_as<T>(insn, kMode == Mode::Post ? base : moved, static_cast<T>(x[insn->rd]),
                         tlb_for<kMode>(cpu), syndrome))
        return nullptr;
    if constexpr (kWritesBack)
        x[insn->rn] = moved;
    return insn + 1;
}

/// imm = option << 3 | shift.
X index_of(Cpu& cpu, const Insn* insn)
{
    const X value = cpu.state().x[insn->rm];
    const unsigned option = insn->imm >> 3;
    const X extended = option == 2   ? bits(value, 0, 32)
                       : option == 6 ? sign_extend(value, 32)
                                     : value;
    return extended << (insn->imm & 7);
}

template <class T, Extend kExtend>
const Insn* load_reg(Cpu& cpu, const Insn* insn) noexcept
{
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    T value{};
    if (!cpu.load_as<T>(insn, cpu.state().x[insn->rn] + index_of(cpu, insn), value,
                        cpu.current_tlb(), syndrome_of<T, kExtend>(insn->rd)))
        return nullptr;
    cpu.state().x[insn->rd] = extended<T, kExtend>(value);
    return insn + 1;
}

template <class T>
const Insn* store_reg(Cpu& cpu, const Insn* insn) noexcept
{
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    const auto& x = cpu.state().x;
    return cpu.store_as<T>(insn, x[insn->rn] + index_of(cpu, insn), static_cast<T>(x[insn->rd]),
                           cpu.current_tlb(), syndrome_of<T, Extend::Zero>(insn->rd))
               ? insn + 1
               : nullptr;
}

const Insn* prefetch(Cpu&, const Insn* insn) noexcept
{
    return insn + 1;
}

/// Handlers by size << 2 | opc, as the encodings number them; nullptr: unallocated.
using Family = std::array<Handler, 16>;

template <Mode kMode>
constexpr Family family_imm()
{
    constexpr Handler kPrefetch = kMode == Mode::Offset ? prefetch : nullptr;
    return {store_imm<B8, kMode>,
            load_imm<B8, Extend::Zero, kMode>,
            load_imm<B8, Extend::SignX, kMode>,
            load_imm<B8, Extend::SignW, kMode>,
            store_imm<H, kMode>,
            load_imm<H, Extend::Zero, kMode>,
            load_imm<H, Extend::SignX, kMode>,
            load_imm<H, Extend::SignW, kMode>,
            store_imm<W, kMode>,
            load_imm<W, Extend::Zero, kMode>,
            load_imm<W, Extend::SignX, kMode>,
            nullptr,
            store_imm<X, kMode>,
            load_imm<X, Extend::Zero, kMode>,
            kPrefetch,
            nullptr};
}

constexpr Family kFamilyReg{store_reg<B8>,
                            load_reg<B8, Extend::Zero>,
                            load_reg<B8, Extend::SignX>,
                            load_reg<B8, Extend::SignW>,
                            store_reg<H>,
                            load_reg<H, Extend::Zero>,
                            load_reg<H, Extend::SignX>,
                            load_reg<H, Extend::SignW>,
                            store_reg<W>,
                            load_reg<W, Extend::Zero>,
                            load_reg<W, Extend::SignX>,
                            nullptr,
                            store_reg<X>,
                            load_reg<X, Extend::Zero>,
                            prefetch,
                            nullptr};

unsigned family_index(std::uint32_t word)
{
    return static_cast<unsigned>(bits(word, 30, 2) << 2 | bits(word, 22, 2));
}

/// Rt of a load is a destination, of a store (opc 00) a source.
void fill_transfer(std::uint32_t word, Insn& insn)
{
    const bool is_store = bits(word, 22, 2) == 0;
    insn.rd = is_store ? source(field5(word, 0)) : destination(field5(word, 0));
    insn.rn = field5(word, 5);
}

template <Mode kMode>
Handler translate_imm9(std::uint32_t word, Insn& insn)
{
    static constexpr Family kFamily = family_imm<kMode>();
    fill_transfer(word, insn);
    insn.imm = signed_imm(word, 12, 9);
    return kFamily[family_index(word)];
}

// ---- Pairs. rd = Rt, rm = Rt2, rn = base. No syndrome, so plain load and store.

template <class T, Extend kExtend, Mode kMode>
const Insn* load_pair(Cpu& cpu, const Insn* insn) noexcept
{
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    auto& x = cpu.state().x;
    const X base = x[insn->rn];
    const X moved = base + signed_value(insn);
    const X at = kMode == Mode::Post ? base : moved;
    T first{};
    T second{};
    if (!cpu.load_pair(insn, at, first, second))
        return nullptr;
    if constexpr (kMode != Mode::Offset)
        x[insn->rn] = moved;
    x[insn->rd] = extended<T, kExtend>(first);
    x[insn->rm] = extended<T, kExtend>(second);
    return insn + 1;
}

template <class T, Mode kMode>
const Insn* store_pair(Cpu& cpu, const Insn* insn) noexcept
{
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    auto& x = cpu.state().x;
    const X base = x[insn->rn];
    const X moved = base + signed_value(insn);
    const X at = kMode == Mode::Post ? base : moved;
    if (!cpu.store_pair(insn, at, static_cast<T>(x[insn->rd]), static_cast<T>(x[insn->rm])))
        return nullptr;
    if constexpr (kMode != Mode::Offset)
        x[insn->rn] = moved;
    return insn + 1;
}

/// Handlers by opc << 1 | L.
template <Mode kMode>
constexpr std::array<Handler, 8> kPairs{store_pair<W, kMode>,
                                        load_pair<W, Extend::Zero, kMode>,
                                        nullptr,
                                        load_pair<W, Extend::SignX, kMode>,  // LDPSW
                                        store_pair<X, kMode>,
                                        load_pair<X, Extend::Zero, kMode>,
                                        nullptr,
                                        nullptr};

template <Mode kMode>
Handler translate_pair(std::uint32_t word, Insn& insn)
{
    const bool is_load = bit(word, 22);
    const unsigned scale = is_wide(word) ? 3 : 2;
    insn.rd = is_load ? destination(field5(word, 0)) : source(field5(word, 0));
    insn.rm = is_load ? destination(field5(word, 10)) : source(field5(word, 10));
    insn.rn = field5(word, 5);
    insn.imm = static_cast<std::uint32_t>(sign_extend(bits(word, 15, 7), 7) << scale);
    return kPairs<kMode>[bits(word, 30, 2) << 1 | (is_load ? 1 : 0)];
}

template <class T, Extend kExtend>
const Insn* load_literal(Cpu& cpu, const Insn* insn) noexcept
{
    T value{};
    if (!cpu.load_as<T>(insn, cpu.address_of(insn) + signed_value(insn), value, cpu.current_tlb(),
                        syndrome_of<T, kExtend>(insn->rd)))
        return nullptr;
    cpu.state().x[insn->rd] = extended<T, kExtend>(value);
    return insn + 1;
}

// ---- Ordered accesses: LDAR, LDAPR, STLR.

template <class T>
const Insn* load_acquire(Cpu& cpu, const Insn* insn) noexcept
{
    if (!cpu.base_is_aligned(insn, insn->rn) || !cpu.is_atomic_aligned(insn, sizeof(T), false))
        return nullptr;
    T value{};
    if (!cpu.load_as<T>(insn, cpu.state().x[insn->rn], value, cpu.current_tlb(),
                        syndrome_of<T, Extend::Zero>(insn->rd)))
        return nullptr;
    std::atomic_thread_fence(std::memory_order_acquire);
    cpu.state().x[insn->rd] = value;
    return insn + 1;
}

template <class T>
const Insn* store_release(Cpu& cpu, const Insn* insn) noexcept
{
    if (!cpu.base_is_aligned(insn, insn->rn) || !cpu.is_atomic_aligned(insn, sizeof(T), true))
        return nullptr;
    std::atomic_thread_fence(std::memory_order_release);
    if (!cpu.store_as<T>(insn, cpu.state().x[insn->rn], static_cast<T>(cpu.state().x[insn->rd]),
                         cpu.current_tlb(), syndrome_of<T, Extend::Zero>(insn->rd)))
        return nullptr;
    // A later LDAR may not be seen before this.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return insn + 1;
}

constexpr std::array<Handler, 4> kLoadAcquire{load_acquire<B8>, load_acquire<H>, load_acquire<W>,
                                              load_acquire<X>};
constexpr std::array<Handler, 4> kStoreRelease{store_release<B8>, store_release<H>,
                                               store_release<W>, store_release<X>};

}  // namespace

Handler LDR_lit(std::uint32_t word, Insn& insn)
{
    static constexpr std::array<Handler, 4> kHandlers{load_literal<W, Extend::Zero>,
                                                      load_literal<X, Extend::Zero>,
                                                      load_literal<W, Extend::SignX>, prefetch};
    insn.rd = rd_of(word);
    insn.imm = signed_imm(word, 5, 19) << 2;
    return kHandlers[bits(word, 30, 2)];
}

Handler LDAR(std::uint32_t word, Insn& insn)
{
    insn.rd = rd_of(word);
    insn.rn = field5(word, 5);
    return kLoadAcquire[bits(word, 30, 2)];
}

Handler LDAPR(std::uint32_t word, Insn& insn)
{
    return LDAR(word, insn);
}

Handler STLR(std::uint32_t word, Insn& insn)
{
    insn.rd = source(field5(word, 0));
    insn.rn = field5(word, 5);
    return kStoreRelease[bits(word, 30, 2)];
}

Handler LDP_nontemp(std::uint32_t word, Insn& insn)
{
    // Non-temporal is a hint; there is no signed form.
    return bits(word, 30, 2) == 1 ? nullptr : translate_pair<Mode::Offset>(word, insn);
}

Handler LDP_post(std::uint32_t word, Insn& insn)
{
    return translate_pair<Mode::Post>(word, insn);
}
Handler LDP_offset(std::uint32_t word, Insn& insn)
{
    return translate_pair<Mode::Offset>(word, insn);
}
Handler LDP_pre(std::uint32_t word, Insn& insn)
{
    return translate_pair<Mode::Pre>(word, insn);
}

Handler LDR_unscaled(std::uint32_t word, Insn& insn)
{
    return translate_imm9<Mode::Offset>(word, insn);
}
Handler LDR_post(std::uint32_t word, Insn& insn)
{
    return translate_imm9<Mode::Post>(word, insn);
}
Handler LDR_pre(std::uint32_t word, Insn& insn)
{
    return translate_imm9<Mode::Pre>(word, insn);
}
Handler LDR_unpriv(std::uint32_t word, Insn& insn)
{
    return translate_imm9<Mode::Unprivileged>(word, insn);
}

Handler LDR_reg(std::uint32_t word, Insn& insn)
{
    const auto option = static_cast<std::uint32_t>(bits(word, 13, 3));
    if ((option & 2) == 0)
        return nullptr;
    fill_transfer(word, insn);
    insn.rm = rm_of(word);
    const auto shift = bit(word, 12) ? bits(word, 30, 2) : 0;
    insn.imm = option << 3 | static_cast<std::uint32_t>(shift);
    return kFamilyReg[family_index(word)];
}

Handler LDR_imm(std::uint32_t word, Insn& insn)
{
    static constexpr Family kFamily = family_imm<Mode::Offset>();
    fill_transfer(word, insn);
    insn.imm = static_cast<std::uint32_t>(bits(word, 10, 12) << bits(word, 30, 2));
    return kFamily[family_index(word)];
}

}  // namespace gh::cpu
