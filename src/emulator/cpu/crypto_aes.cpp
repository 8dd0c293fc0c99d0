// SPDX-License-Identifier: BSD-3-Clause
// FEAT_AES and FEAT_PMULL (DDI 0487, C4.1; FIPS 197).
#include "emulator/cpu/simd_lanes.h"

namespace gh::cpu {
namespace {

using Block = Lanes<std::uint8_t>;  // column by column
using SBox = std::array<std::uint8_t, 256>;

/// Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1.
constexpr std::uint8_t multiply(unsigned a, unsigned b)
{
    unsigned product = 0;
    for (; b != 0; b >>= 1) {
        product ^= (b & 1) != 0 ? a : 0;
        a = a << 1 ^ ((a & 0x80) != 0 ? 0x11bu : 0);
    }
    return static_cast<std::uint8_t>(product);
}

/// FIPS 197, 5.1.1: an affine map of the reciprocal. 3 generates the field, 0xf6 is its reciprocal.
constexpr SBox make_sbox()
{
    SBox sbox{};
    sbox[0] = 0x63;
    std::uint8_t power = 1, reciprocal = 1;
    do {
        power = multiply(power, 3);
        reciprocal = multiply(reciprocal, 0xf6);
        const unsigned r = reciprocal * 0x101u;  // rotations by shifts
        const unsigned mapped = r ^ r >> 4 ^ r >> 5 ^ r >> 6 ^ r >> 7;
        sbox[power] = static_cast<std::uint8_t>(mapped ^ 0x63);
    } while (power != 1);
    return sbox;
}

constexpr SBox inverse(const SBox& sbox)
{
    SBox result{};
    for (unsigned i = 0; i < sbox.size(); ++i)
        result[sbox[i]] = static_cast<std::uint8_t>(i);
    return result;
}

constexpr SBox times(unsigned factor)
{
    SBox result{};
    for (unsigned i = 0; i < result.size(); ++i)
        result[i] = multiply(i, factor);
    return result;
}

constexpr SBox kSBox = make_sbox();
constexpr SBox kInverseSBox = inverse(kSBox);

/// SubBytes and ShiftRows, in either order: row r moves by r columns, to the left or back.
Block substitute_and_shift(const Block& block, const SBox& sbox, unsigned columns)
{
    Block result{};
    for (unsigned i = 0; i < 16; ++i)
        result[i] = sbox[block[(i + 4 * columns * (i % 4)) % 16]];
    return result;
}

constexpr auto kEncryptRound = [](const Block& block) {
    return substitute_and_shift(block, kSBox, 1);
};
constexpr auto kDecryptRound = [](const Block& block) {
    return substitute_and_shift(block, kInverseSBox, 3);
};

/// Every column times the polynomial whose coefficients are c, as tables.
Block mix(const Block& block, const std::array<SBox, 4>& c)
{
    Block result{};
    for (unsigned i = 0; i < 16; ++i) {
        const unsigned column = i & ~3u;
        for (unsigned k = 0; k < 4; ++k)
            result[i] ^= c[k][block[column + (i + k) % 4]];
    }
    return result;
}

constexpr std::array<SBox, 4> kMix{times(2), times(3), times(1), times(1)};
constexpr std::array<SBox, 4> kInverseMix{times(14), times(11), times(13), times(9)};

template <class Round>
Handler round_with_key(std::uint32_t word, Insn& insn, Round)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        const Vreg& d = state.v[in.rd];
        const Vreg& n = state.v[in.rn];
        const Vreg mixed{{d.d[0] ^ n.d[0], d.d[1] ^ n.d[1]}};
        state.v[in.rd] = vreg_of<std::uint8_t>(Round{}(lanes_of<std::uint8_t>(mixed)));
    });
}

/// The product of two polynomials over GF(2).
Vreg carryless_product(std::uint64_t a, std::uint64_t b)
{
    Vreg product;
    for (unsigned i = 0; i < 64; ++i)
        if (bit(b, i)) {
            product.d[0] ^= a << i;
            product.d[1] ^= i == 0 ? 0 : a >> (64 - i);
        }
    return product;
}

}  // namespace

Handler AESE(std::uint32_t word, Insn& insn)
{
    return round_with_key(word, insn, kEncryptRound);
}

Handler AESD(std::uint32_t word, Insn& insn)
{
    return round_with_key(word, insn, kDecryptRound);
}

Handler AESMC(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        state.v[in.rd] = vreg_of<std::uint8_t>(mix(lanes_of<std::uint8_t>(state.v[in.rn]), kMix));
    });
}

Handler AESIMC(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        state.v[in.rd] =
            vreg_of<std::uint8_t>(mix(lanes_of<std::uint8_t>(state.v[in.rn]), kInverseMix));
    });
}

Handler PMULL_64(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    insn.imm = field(word, 30, 1);  // Q: the upper halves
    return handler([](State& state, const Insn& in) {
        state.v[in.rd] = carryless_product(state.v[in.rn].d[in.imm], state.v[in.rm].d[in.imm]);
    });
}

}  // namespace gh::cpu
