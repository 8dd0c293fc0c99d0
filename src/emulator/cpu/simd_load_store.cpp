// SPDX-License-Identifier: BSD-3-Clause
// Loads and stores of SIMD and floating-point registers, single and in pairs (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

/// What a register of sizeof(T) bytes has in memory: Vreg, or its lowest lane.
template <class T>
T to_memory(const Vreg& v)
{
    if constexpr (std::is_same_v<T, Vreg>)
        return v;
    else
        return lanes_of<T>(v)[0];
}
template <class T>
Vreg from_memory(const T& value)
{
    if constexpr (std::is_same_v<T, Vreg>)
        return value;
    else
        return vreg_of<T>({value});
}

enum class Access { Store, Load };
enum class Index { Offset, Post, Pre };

template <Access A, class T>
bool transfer(Cpu& cpu, const Insn* insn, std::uint64_t address, T& value)
{
    return A == Access::Load ? cpu.load(insn, address, value) : cpu.store(insn, address, value);
}

/// One register at base + displacement, the base first (Offset, Pre) or afterwards (Post) moved.
template <Access A, Index I, class T>
const Insn* run_single(Cpu& cpu, const Insn* insn) noexcept
{
    State& state = cpu.state();
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    const std::uint64_t base = state.x[insn->rn];
    const std::uint64_t moved = base + signed_value(insn);
    T value = to_memory<T>(state.v[insn->rd]);
    if (!transfer<A>(cpu, insn, I == Index::Post ? base : moved, value))
        return nullptr;
    if constexpr (A == Access::Load)
        state.v[insn->rd] = from_memory(value);
    if constexpr (I != Index::Offset)
        state.x[insn->rn] = moved;
    return insn + 1;
}

/// One register at base + extended and shifted index; insn.ra is the shift, imm the extension.
template <Access A, class T>
const Insn* run_register_offset(Cpu& cpu, const Insn* insn) noexcept
{
    State& state = cpu.state();
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    constexpr std::uint32_t kUxtw = 0b010;
    constexpr std::uint32_t kSxtw = 0b110;
    std::uint64_t index = state.x[insn->rm];
    if (insn->imm == kUxtw)
        index = static_cast<std::uint32_t>(index);
    else if (insn->imm == kSxtw)
        index = sign_extend(index, 32);
    T value = to_memory<T>(state.v[insn->rd]);
    if (!transfer<A>(cpu, insn, state.x[insn->rn] + (index << insn->ra), value))
        return nullptr;
    if constexpr (A == Access::Load)
        state.v[insn->rd] = from_memory(value);
    return insn + 1;
}

template <class T>
const Insn* run_literal(Cpu& cpu, const Insn* insn) noexcept
{
    T value{};
    if (!cpu.load(insn, cpu.address_of(insn) + signed_value(insn), value))
        return nullptr;
    cpu.state().v[insn->rd] = from_memory(value);
    return insn + 1;
}

/// Two registers, rd and rm, side by side.
template <Access A, Index I, class T>
const Insn* run_pair(Cpu& cpu, const Insn* insn) noexcept
{
    State& state = cpu.state();
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    const std::uint64_t base = state.x[insn->rn];
    const std::uint64_t moved = base + signed_value(insn);
    const std::uint64_t address = I == Index::Post ? base : moved;
    T first = to_memory<T>(state.v[insn->rd]);
    T second = to_memory<T>(state.v[insn->rm]);
    if (!(A == Access::Load ? cpu.load_pair(insn, address, first, second)
                            : cpu.store_pair(insn, address, first, second)))
        return nullptr;
    if constexpr (A == Access::Load) {
        state.v[insn->rd] = from_memory(first);
        state.v[insn->rm] = from_memory(second);
    }
    if constexpr (I != Index::Offset)
        state.x[insn->rn] = moved;
    return insn + 1;
}

/// log2 of the bytes of one register: opc[1] stands before size, and only goes with size 00.
unsigned scale(std::uint32_t word)
{
    return unsigned{field(word, 23, 1)} << 2 | field(word, 30, 2);
}

void set_displacement(Insn& insn, std::uint64_t value)
{
    insn.imm = static_cast<std::uint32_t>(value);
}

template <Access A, Index I>
Handler single(unsigned log2_bytes)
{
    switch (log2_bytes) {
    case 0: return run_single<A, I, std::uint8_t>;
    case 1: return run_single<A, I, std::uint16_t>;
    case 2: return run_single<A, I, std::uint32_t>;
    case 3: return run_single<A, I, std::uint64_t>;
    case 4: return run_single<A, I, Vreg>;
    default: return nullptr;
    }
}

template <Access A, Index I>
Handler unscaled(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    set_displacement(insn, sign_extend(bits(word, 12, 9), 9));
    return single<A, I>(scale(word));
}

template <Access A>
Handler unsigned_offset(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    set_displacement(insn, bits(word, 10, 12) << scale(word));
    return single<A, Index::Offset>(scale(word));
}

template <Access A>
Handler register_offset(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    const unsigned log2_bytes = scale(word);
    insn.rm = source(insn.rm);
    insn.ra = static_cast<std::uint8_t>(bit(word, 12) ? log2_bytes : 0);
    insn.imm = field(word, 13, 3);
    if ((insn.imm & 2) == 0)
        return nullptr;
    switch (log2_bytes) {
    case 0: return run_register_offset<A, std::uint8_t>;
    case 1: return run_register_offset<A, std::uint16_t>;
    case 2: return run_register_offset<A, std::uint32_t>;
    case 3: return run_register_offset<A, std::uint64_t>;
    case 4: return run_register_offset<A, Vreg>;
    default: return nullptr;
    }
}

template <Access A, Index I>
Handler pair(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.rm = field(word, 10, 5);
    const unsigned opc = field(word, 30, 2);
    set_displacement(insn, sign_extend(bits(word, 15, 7), 7) << (2 + opc));
    switch (opc) {
    case 0: return run_pair<A, I, std::uint32_t>;
    case 1: return run_pair<A, I, std::uint64_t>;
    case 2: return run_pair<A, I, Vreg>;
    default: return nullptr;
    }
}

}  // namespace

Handler LDR_simd_literal(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    set_displacement(insn, sign_extend(bits(word, 5, 19), 19) << 2);
    switch (field(word, 30, 2)) {
    case 0: return run_literal<std::uint32_t>;
    case 1: return run_literal<std::uint64_t>;
    case 2: return run_literal<Vreg>;
    default: return nullptr;
    }
}

Handler STR_simd_imm(std::uint32_t word, Insn& insn)
{
    return unsigned_offset<Access::Store>(word, insn);
}

Handler STR_simd_register(std::uint32_t word, Insn& insn)
{
    return register_offset<Access::Store>(word, insn);
}

Handler STUR_simd(std::uint32_t word, Insn& insn)
{
    return unscaled<Access::Store, Index::Offset>(word, insn);
}

Handler STR_simd_post(std::uint32_t word, Insn& insn)
{
    return unscaled<Access::Store, Index::Post>(word, insn);
}

Handler STR_simd_pre(std::uint32_t word, Insn& insn)
{
    return unscaled<Access::Store, Index::Pre>(word, insn);
}

Handler STNP_simd(std::uint32_t word, Insn& insn)
{
    return pair<Access::Store, Index::Offset>(word, insn);
}

Handler STP_simd(std::uint32_t word, Insn& insn)
{
    return pair<Access::Store, Index::Offset>(word, insn);
}

Handler STP_simd_post(std::uint32_t word, Insn& insn)
{
    return pair<Access::Store, Index::Post>(word, insn);
}

Handler STP_simd_pre(std::uint32_t word, Insn& insn)
{
    return pair<Access::Store, Index::Pre>(word, insn);
}

Handler LDR_simd_imm(std::uint32_t word, Insn& insn)
{
    return unsigned_offset<Access::Load>(word, insn);
}

Handler LDR_simd_register(std::uint32_t word, Insn& insn)
{
    return register_offset<Access::Load>(word, insn);
}

Handler LDUR_simd(std::uint32_t word, Insn& insn)
{
    return unscaled<Access::Load, Index::Offset>(word, insn);
}

Handler LDR_simd_post(std::uint32_t word, Insn& insn)
{
    return unscaled<Access::Load, Index::Post>(word, insn);
}

Handler LDR_simd_pre(std::uint32_t word, Insn& insn)
{
    return unscaled<Access::Load, Index::Pre>(word, insn);
}

Handler LDNP_simd(std::uint32_t word, Insn& insn)
{
    return pair<Access::Load, Index::Offset>(word, insn);
}

Handler LDP_simd(std::uint32_t word, Insn& insn)
{
    return pair<Access::Load, Index::Offset>(word, insn);
}

Handler LDP_simd_post(std::uint32_t word, Insn& insn)
{
    return pair<Access::Load, Index::Post>(word, insn);
}

Handler LDP_simd_pre(std::uint32_t word, Insn& insn)
{
    return pair<Access::Load, Index::Pre>(word, insn);
}

}  // namespace gh::cpu
