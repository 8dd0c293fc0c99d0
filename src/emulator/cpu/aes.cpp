// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/aes.h"

#include "base/bits.h"

#include <array>
#include <bit>

#if defined(__x86_64__)
#include <wmmintrin.h>
#endif

namespace gh::cpu {
namespace {

using Block = std::array<std::uint8_t, 16>;  // column by column
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
    std::uint8_t power = 1;
    std::uint8_t reciprocal = 1;
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

constexpr SBox kSBox = make_sbox();
constexpr SBox kInverseSBox = inverse(kSBox);

/// SubBytes and ShiftRows, in either order: row r moves by r columns, to the left or back.
void substitute_and_shift(Vreg& v, const SBox& sbox, unsigned columns)
{
    const auto block = std::bit_cast<Block>(v);
    Block result{};
    for (unsigned i = 0; i < 16; ++i)
        result[i] = sbox[block[(i + 4 * columns * (i % 4)) % 16]];
    v = std::bit_cast<Vreg>(result);
}

/// Every column times the polynomial whose coefficients are in `columns`: what each byte of a
/// column adds to it, one table for each place.
using Columns = std::array<std::array<std::uint32_t, 256>, 4>;

constexpr Columns make_columns(const std::array<unsigned, 4>& coefficients)
{
    Columns result{};
    for (unsigned place = 0; place < 4; ++place)
        for (unsigned byte = 0; byte < 256; ++byte)
            for (unsigned row = 0; row < 4; ++row)
                result[place][byte] |=
                    std::uint32_t{multiply(byte, coefficients[(place + 4 - row) % 4])} << 8 * row;
    return result;
}

constexpr Columns kMix = make_columns({2, 3, 1, 1});
constexpr Columns kInverseMix = make_columns({14, 11, 13, 9});

void mix(Vreg& v, const Columns& columns)
{
    auto words = std::bit_cast<std::array<std::uint32_t, 4>>(v);
    for (std::uint32_t& word : words)
        word = columns[0][word & 0xff] ^ columns[1][word >> 8 & 0xff] ^
               columns[2][word >> 16 & 0xff] ^ columns[3][word >> 24];
    v = std::bit_cast<Vreg>(words);
}

/// The product of two polynomials over GF(2).
void carryless_product(Vreg& product, std::uint64_t a, std::uint64_t b)
{
    product = {};
    for (unsigned i = 0; i < 64; ++i)
        if (bit(b, i)) {
            product.d[0] ^= a << i;
            product.d[1] ^= i == 0 ? 0 : a >> (64 - i);
        }
}

constexpr AesSteps kPortable{
    [](Vreg& v) { substitute_and_shift(v, kSBox, 1); },
    [](Vreg& v) { substitute_and_shift(v, kInverseSBox, 3); },
    [](Vreg& v) { mix(v, kMix); },
    [](Vreg& v) { mix(v, kInverseMix); },
    carryless_product,
};

#if defined(__x86_64__)

#define GH_AES_NI [[gnu::target("aes,pclmul")]]

// A round of AES-NI ends with the key, which is zero here. Mixing alone is a round whose other
// steps were undone before.
GH_AES_NI void host_sub_shift(Vreg& v)
{
    v = std::bit_cast<Vreg>(_mm_aesenclast_si128(std::bit_cast<__m128i>(v), __m128i{}));
}
GH_AES_NI void host_inverse_sub_shift(Vreg& v)
{
    v = std::bit_cast<Vreg>(_mm_aesdeclast_si128(std::bit_cast<__m128i>(v), __m128i{}));
}
GH_AES_NI void host_mix(Vreg& v)
{
    const __m128i undone = _mm_aesdeclast_si128(std::bit_cast<__m128i>(v), __m128i{});
    v = std::bit_cast<Vreg>(_mm_aesenc_si128(undone, __m128i{}));
}
GH_AES_NI void host_inverse_mix(Vreg& v)
{
    v = std::bit_cast<Vreg>(_mm_aesimc_si128(std::bit_cast<__m128i>(v)));
}
GH_AES_NI void host_multiply(Vreg& product, std::uint64_t a, std::uint64_t b)
{
    const auto wide = [](std::uint64_t value) {
        return _mm_cvtsi64_si128(static_cast<long long>(value));
    };
    product = std::bit_cast<Vreg>(_mm_clmulepi64_si128(wide(a), wide(b), 0));
}

constexpr AesSteps kHost{host_sub_shift, host_inverse_sub_shift, host_mix, host_inverse_mix,
                         host_multiply};

bool host_has_aes()
{
    return __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul");
}

#else

constexpr AesSteps kHost = kPortable;

bool host_has_aes()
{
    return false;
}

#endif

}  // namespace

const AesSteps& portable_aes() noexcept
{
    return kPortable;
}

const AesSteps& host_aes() noexcept
{
    static const AesSteps& steps = host_has_aes() ? kHost : kPortable;
    return steps;
}

}  // namespace gh::cpu
