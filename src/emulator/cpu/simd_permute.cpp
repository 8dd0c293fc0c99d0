// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD permute, extract and table lookup (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

/// rd[i] = lane from(i, N) of rm:rn, rn's N lanes being the lower ones.
template <class From>
Handler permute(std::uint32_t word, Insn& insn, From)
{
    set_operands(word, insn);
    return UnsignedBHSD::pick(word, []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& in) {
            const auto n = lanes_of<T>(state.v[in.rn]);
            const auto m = lanes_of<T>(state.v[in.rm]);
            Lanes<T> result{};
            for (unsigned i = 0; i < N; ++i) {
                const unsigned from = From{}(i, N);
                result[i] = from < N ? n[from] : m[from - N];
            }
            state.v[in.rd] = vreg_of<T>(result);
        });
    });
}

/// Bytes looked up in `Registers` registers from rn on. Indices beyond give zero, or with Keep the
/// old byte.
template <unsigned Registers, bool Keep>
constexpr auto kLookUp = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        std::array<std::uint8_t, std::size_t{16} * Registers> table;
        for (unsigned r = 0; r < Registers; ++r) {
            const auto bytes = lanes_of<std::uint8_t>(state.v[(insn.rn + r) % 32]);
            std::copy(bytes.begin(), bytes.end(), table.begin() + 16 * r);
        }
        const auto d = lanes_of<T>(state.v[insn.rd]);
        const auto indices = lanes_of<T>(state.v[insn.rm]);
        Lanes<T> result{};
        for (unsigned i = 0; i < N; ++i)
            result[i] = indices[i] < table.size() ? table[indices[i]] : Keep ? d[i] : T{0};
        state.v[insn.rd] = vreg_of<T>(result);
    });
};

template <bool Keep>
Handler look_up(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    const bool q = bit(word, 30);
    switch (field(word, 13, 2)) {
    case 0: return UnsignedB::of_size(0, q, kLookUp<1, Keep>);
    case 1: return UnsignedB::of_size(0, q, kLookUp<2, Keep>);
    case 2: return UnsignedB::of_size(0, q, kLookUp<3, Keep>);
    default: return UnsignedB::of_size(0, q, kLookUp<4, Keep>);
    }
}

}  // namespace

Handler UZP1(std::uint32_t word, Insn& insn)
{
    return permute(word, insn, [](unsigned i, unsigned) { return 2 * i; });
}

Handler UZP2(std::uint32_t word, Insn& insn)
{
    return permute(word, insn, [](unsigned i, unsigned) { return 2 * i + 1; });
}

Handler ZIP1(std::uint32_t word, Insn& insn)
{
    return permute(word, insn, [](unsigned i, unsigned n) { return i / 2 + (i % 2) * n; });
}

Handler ZIP2(std::uint32_t word, Insn& insn)
{
    return permute(word, insn, [](unsigned i, unsigned n) { return n / 2 + i / 2 + (i % 2) * n; });
}

Handler TRN1(std::uint32_t word, Insn& insn)
{
    return permute(word, insn, [](unsigned i, unsigned n) { return i - i % 2 + (i % 2) * n; });
}

Handler TRN2(std::uint32_t word, Insn& insn)
{
    return permute(word, insn, [](unsigned i, unsigned n) { return i - i % 2 + 1 + (i % 2) * n; });
}

Handler EXT(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = field(word, 11, 4);
    const bool q = bit(word, 30);
    if (!q && insn.imm >= 8)
        return nullptr;
    return UnsignedB::of_size(0, q, []<class T, unsigned N>(Arrangement<T, N>) {
        return handler([](State& state, const Insn& in) {
            const auto n = lanes_of<T>(state.v[in.rn]);
            const auto m = lanes_of<T>(state.v[in.rm]);
            Lanes<T> result{};
            for (unsigned i = 0; i < N; ++i)
                result[i] = i + in.imm < N ? n[i + in.imm] : m[i + in.imm - N];
            state.v[in.rd] = vreg_of<T>(result);
        });
    });
}

Handler TBL(std::uint32_t word, Insn& insn)
{
    return look_up<false>(word, insn);
}

Handler TBX(std::uint32_t word, Insn& insn)
{
    return look_up<true>(word, insn);
}

}  // namespace gh::cpu
