// SPDX-License-Identifier: BSD-3-Clause
// Loads and stores of structures: LD1 to LD4, ST1 to ST4, LD1R to LD4R (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"

#include <algorithm>
#include <cstring>

namespace gh::cpu {
namespace {

// A structure is one element for each of `Selem` registers, side by side in memory. insn.imm is
// what the post-indexed form adds to the base if rm is kImmediate.

enum class Access { Store, Load };

inline constexpr std::uint8_t kNoWriteBack = 0xff;
inline constexpr std::uint8_t kImmediate = 0xfe;

void write_back(State& state, const Insn* insn)
{
    if (insn->rm != kNoWriteBack)
        state.x[insn->rn] += insn->rm == kImmediate ? insn->imm : state.x[insn->rm];
}

template <Access A, class T>
bool transfer(Cpu& cpu, const Insn* insn, std::uint64_t address, T& value)
{
    return A == Access::Load ? cpu.load(insn, address, value) : cpu.store(insn, address, value);
}

/// The registers that an instruction names: `Count` from rd on, round the corner. Loads change them
/// only when all of memory has been read.
template <Access A, unsigned Count, class Body>
const Insn* with_registers(Cpu& cpu, const Insn* insn, Body body)
{
    State& state = cpu.state();
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    std::array<Vreg, Count> registers;
    for (unsigned r = 0; r < Count; ++r)
        registers[r] = state.v[(insn->rd + r) % 32];
    if (!body(registers, state.x[insn->rn]))
        return nullptr;
    for (unsigned r = 0; A == Access::Load && r < Count; ++r)
        state.v[(insn->rd + r) % 32] = registers[r];
    write_back(state, insn);
    return insn + 1;
}

/// All of `image` in pieces of a Unit.
template <Access A, class Unit, class Image>
bool transfer_image(Cpu& cpu, const Insn* insn, std::uint64_t address, Image& image)
{
    for (std::size_t at = 0; at < sizeof(image); at += sizeof(Unit)) {
        auto* const place = reinterpret_cast<std::byte*>(image.data()) + at;
        Unit unit;
        std::memcpy(&unit, place, sizeof(unit));
        if (!transfer<A>(cpu, insn, address + at, unit))
            return false;
        std::memcpy(place, &unit, sizeof(unit));
    }
    return true;
}

/// Whole registers of N lanes: `Turns` times `Selem` of them. Memory is accessed in larger pieces
/// than elements, which only an alignment check could tell.
template <Access A, class T, unsigned N, unsigned Selem, unsigned Turns>
const Insn* run_multiple(Cpu& cpu, const Insn* insn) noexcept
{
    constexpr unsigned kCount = Selem * Turns;
    constexpr std::uint64_t kSctlrA = 2;
    using Unit = std::conditional_t<N * sizeof(T) == 16, Vreg, std::uint64_t>;
    return with_registers<A, kCount>(cpu, insn, [&](auto& registers, std::uint64_t address) {
        std::array<T, std::size_t{kCount} * N> image{};
        const auto each = [&](auto move) {
            for (unsigned r = 0; r < kCount; ++r) {
                auto lanes = A == Access::Load ? Lanes<T>{} : lanes_of<T>(registers[r]);
                for (unsigned i = 0; i < N; ++i)
                    move(lanes[i], image[(r / Selem * N + i) * Selem + r % Selem]);
                registers[r] = vreg_of<T>(lanes);
            }
        };
        if (A == Access::Store)
            each([](const T& lane, T& place) { place = lane; });
        if (!((cpu.state().sctlr_el1 & kSctlrA) != 0
                  ? transfer_image<A, T>(cpu, insn, address, image)
                  : transfer_image<A, Unit>(cpu, insn, address, image)))
            return false;
        if (A == Access::Load)
            each([](T& lane, const T& place) { lane = place; });
        return true;
    });
}

/// One structure into lane insn.ra of every register, the others stay.
template <Access A, class T, unsigned Selem>
const Insn* run_single(Cpu& cpu, const Insn* insn) noexcept
{
    return with_registers<A, Selem>(cpu, insn, [&](auto& registers, std::uint64_t address) {
        for (Vreg& v : registers) {
            auto lanes = lanes_of<T>(v);
            if (!transfer<A>(cpu, insn, address, lanes[insn->ra]))
                return false;
            v = vreg_of<T>(lanes);
            address += sizeof(T);
        }
        return true;
    });
}

/// One structure into all N lanes.
template <class T, unsigned N, unsigned Selem>
const Insn* run_replicate(Cpu& cpu, const Insn* insn) noexcept
{
    return with_registers<Access::Load, Selem>(cpu, insn,
                                               [&](auto& registers, std::uint64_t address) {
                                                   for (Vreg& v : registers) {
                                                       T value{};
                                                       if (!cpu.load(insn, address, value))
                                                           return false;
                                                       Lanes<T> lanes{};
                                                       std::fill_n(lanes.begin(), N, value);
                                                       v = vreg_of<T>(lanes);
                                                       address += sizeof(T);
                                                   }
                                                   return true;
                                               });
}

/// Without post-index bits 20:16 are zero; with it, 31 stands for the bytes transferred.
void set_write_back(std::uint32_t word, Insn& insn, unsigned transferred)
{
    insn.imm = transferred;
    if (!bit(word, 23))
        insn.rm = kNoWriteBack;
    else if (insn.rm == 31)
        insn.rm = kImmediate;
}

template <Access A, unsigned Selem, unsigned Turns>
Handler multiple_of(std::uint32_t word, Insn& insn)
{
    const bool q = bit(word, 30);
    set_write_back(word, insn, Selem * Turns * (q ? 16 : 8));
    const unsigned size = field(word, 10, 2);
    if (Selem == 1 && size == 3 && !q)  // one lane of 64 bits, for LD1 and ST1 only
        return run_multiple<A, std::uint64_t, 1, Selem, Turns>;
    return UnsignedBHSD::of_size(size, q, []<class T, unsigned N>(Arrangement<T, N>) -> Handler {
        return run_multiple<A, T, N, Selem, Turns>;
    });
}

template <Access A>
Handler multiple(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    switch (field(word, 12, 4)) {
    case 0b0000: return multiple_of<A, 4, 1>(word, insn);
    case 0b0010: return multiple_of<A, 1, 4>(word, insn);
    case 0b0100: return multiple_of<A, 3, 1>(word, insn);
    case 0b0110: return multiple_of<A, 1, 3>(word, insn);
    case 0b0111: return multiple_of<A, 1, 1>(word, insn);
    case 0b1000: return multiple_of<A, 2, 1>(word, insn);
    case 0b1010: return multiple_of<A, 1, 2>(word, insn);
    default: return nullptr;
    }
}

/// Q:S:size is the index, of which the element's width leaves the upper bits.
template <Access A, unsigned Selem>
Handler single_of(std::uint32_t word, Insn& insn)
{
    const unsigned index = unsigned{field(word, 30, 1)} << 3 | field(word, 10, 3);
    const unsigned opcode = field(word, 14, 2);  // without its lowest bit, which is in Selem
    const bool is_double = opcode == 2 && bit(word, 10);
    const unsigned log2_bytes = is_double ? 3 : opcode;
    // What is left over of S:size must be zero.
    if ((opcode == 1 && (index & 1) != 0) || (opcode == 2 && (index & 2) != 0) ||
        (is_double && (index & 4) != 0))
        return nullptr;
    insn.ra = static_cast<std::uint8_t>(index >> log2_bytes);
    set_write_back(word, insn, Selem << log2_bytes);
    switch (log2_bytes) {
    case 0: return run_single<A, std::uint8_t, Selem>;
    case 1: return run_single<A, std::uint16_t, Selem>;
    case 2: return run_single<A, std::uint32_t, Selem>;
    default: return run_single<A, std::uint64_t, Selem>;
    }
}

template <unsigned Selem>
Handler replicate_of(std::uint32_t word, Insn& insn)
{
    const bool q = bit(word, 30);
    const unsigned size = field(word, 10, 2);
    set_write_back(word, insn, Selem << size);
    if (size == 3 && !q)
        return run_replicate<std::uint64_t, 1, Selem>;
    return UnsignedBHSD::of_size(size, q, []<class T, unsigned N>(Arrangement<T, N>) -> Handler {
        return run_replicate<T, N, Selem>;
    });
}

/// opcode[2:1] = 11 replicates, which only loads without S do.
template <Access A, unsigned Selem>
Handler single_or_replicate(std::uint32_t word, Insn& insn)
{
    if (field(word, 14, 2) != 3)
        return single_of<A, Selem>(word, insn);
    if (A == Access::Store || bit(word, 12))
        return nullptr;
    return replicate_of<Selem>(word, insn);
}

/// The number of registers, less one, is opcode[0]:R.
template <Access A>
Handler single(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    switch (field(word, 13, 1) << 1 | field(word, 21, 1)) {
    case 0: return single_or_replicate<A, 1>(word, insn);
    case 1: return single_or_replicate<A, 2>(word, insn);
    case 2: return single_or_replicate<A, 3>(word, insn);
    default: return single_or_replicate<A, 4>(word, insn);
    }
}

}  // namespace

Handler LD_multiple(std::uint32_t word, Insn& insn)
{
    return multiple<Access::Load>(word, insn);
}

Handler LD_multiple_post(std::uint32_t word, Insn& insn)
{
    return multiple<Access::Load>(word, insn);
}

Handler ST_multiple(std::uint32_t word, Insn& insn)
{
    return multiple<Access::Store>(word, insn);
}

Handler ST_multiple_post(std::uint32_t word, Insn& insn)
{
    return multiple<Access::Store>(word, insn);
}

Handler LD_single(std::uint32_t word, Insn& insn)
{
    return single<Access::Load>(word, insn);
}

Handler LD_single_post(std::uint32_t word, Insn& insn)
{
    return single<Access::Load>(word, insn);
}

Handler ST_single(std::uint32_t word, Insn& insn)
{
    return single<Access::Store>(word, insn);
}

Handler ST_single_post(std::uint32_t word, Insn& insn)
{
    return single<Access::Store>(word, insn);
}

}  // namespace gh::cpu
