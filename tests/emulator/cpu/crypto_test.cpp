// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/aes.h"
#include "simd_rig.h"

#include <cmath>
#include <random>
#include <vector>

#include <doctest/doctest.h>

using gh::cpu::Vreg;
using gh::cpu::test::SimdRig;

namespace {

/// Sixteen bytes as documents print them.
Vreg block(std::uint64_t first, std::uint64_t second)
{
    return {{__builtin_bswap64(first), __builtin_bswap64(second)}};
}

Vreg words(std::uint32_t a, std::uint32_t b, std::uint32_t c, std::uint32_t d)
{
    return {{a | std::uint64_t{b} << 32, c | std::uint64_t{d} << 32}};
}

Vreg add_words(const Vreg& a, const Vreg& b)
{
    const auto x = std::bit_cast<std::array<std::uint32_t, 4>>(a);
    const auto y = std::bit_cast<std::array<std::uint32_t, 4>>(b);
    return words(x[0] + y[0], x[1] + y[1], x[2] + y[2], x[3] + y[3]);
}

/// FIPS 180-4, 4.2.2: 32 bits of the fractions of the cube roots of the first 64 primes.
std::vector<std::uint32_t> sha256_constants()
{
    std::vector<std::uint32_t> result;
    for (unsigned n = 2; result.size() < 64; ++n) {
        bool prime = true;
        for (unsigned k = 2; k * k <= n; ++k)
            prime = prime && n % k != 0;
        const long double root = std::cbrt(static_cast<long double>(n));
        if (prime)
            result.push_back(static_cast<std::uint32_t>((root - std::floor(root)) * 0x1p32L));
    }
    return result;
}

// The one block of the message "abc" (FIPS 180-4's example), as big-endian words.
const std::array<Vreg, 4> kAbc{words(0x61626380, 0, 0, 0), {}, {}, words(0, 0, 0, 24)};

// FIPS 197, appendix B, round 1.
const Vreg kPlain = block(0x3243f6a8885a308d, 0x313198a2e0370734);
const Vreg kKey = block(0x2b7e151628aed2a6, 0xabf7158809cf4f3c);
const Vreg kWithKey = block(0x193de3bea0f4e22b, 0x9ac68d2ae9f84808);
const Vreg kShifted = block(0xd4bf5d30e0b452ae, 0xb84111f11e2798e5);
const Vreg kMixed = block(0x046681e5e0cb199a, 0x48f8d37a2806264c);

}  // namespace

TEST_CASE("AESE adds the key, substitutes and shifts, AESMC mixes: round 1 of FIPS 197's example")
{
    SimdRig simd;
    simd.v(0) = kPlain;
    simd.v(1) = kKey;
    simd.run(0x4e284820);  // aese v0.16b, v1.16b
    CHECK(simd.v(0) == kShifted);
    simd.run(0x4e286800);  // aesmc v0.16b, v0.16b
    CHECK(simd.v(0) == kMixed);
}

TEST_CASE("AESIMC and AESD go back")
{
    SimdRig simd;
    simd.v(0) = kMixed;
    simd.run(0x4e287800);  // aesimc v0.16b, v0.16b
    CHECK(simd.v(0) == kShifted);
    simd.run(0x4e285820);  // aesd v0.16b, v1.16b, the key being zero
    CHECK(simd.v(0) == kWithKey);
}

TEST_CASE("the host's AES and ours are the same")
{
    const gh::cpu::AesSteps& ours = gh::cpu::portable_aes();
    const gh::cpu::AesSteps& host = gh::cpu::host_aes();
    std::mt19937_64 random(1);
    Vreg a{{random(), random()}}, b = a;
    for (int i = 0; i < 1000; ++i) {
        using Steps = gh::cpu::AesSteps;
        for (const auto step :
             {&Steps::sub_shift, &Steps::mix, &Steps::inverse_sub_shift, &Steps::inverse_mix}) {
            (ours.*step)(a);
            (host.*step)(b);
            REQUIRE(a == b);
        }
        ours.multiply(a, a.d[0], a.d[1]);
        host.multiply(b, b.d[0], b.d[1]);
        REQUIRE(a == b);
        a.d[0] = b.d[0] = random();
    }
}

TEST_CASE("PMULL multiplies polynomials, PMULL2 those of the upper halves")
{
    SimdRig simd;
    simd.v(1) = {{0x8000'0000'0000'0001, 3}};
    simd.v(2) = {{0x8000'0000'0000'0001, 3}};
    simd.run(0x0ee2e020);  // pmull v0.1q, v1.1d, v2.1d
    CHECK(simd.v(0) == Vreg{{1, 0x4000'0000'0000'0000}});
    simd.run(0x4ee2e020);  // pmull2 v0.1q, v1.2d, v2.2d
    CHECK(simd.v(0) == Vreg{{5, 0}});
}

TEST_CASE("the SHA-256 instructions hash \"abc\"")
{
    SimdRig simd;
    const auto k = sha256_constants();
    const Vreg abcd = words(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a);
    const Vreg efgh = words(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19);
    std::array<Vreg, 4> w = kAbc;
    simd.v(0) = abcd;
    simd.v(1) = efgh;
    for (unsigned t = 0; t < 64; t += 4) {
        simd.v(2) = add_words(w[0], words(k[t], k[t + 1], k[t + 2], k[t + 3]));
        simd.v(3) = simd.v(0);
        simd.run(0x5e024020);  // sha256h q0, q1, v2.4s
        simd.run(0x5e025061);  // sha256h2 q1, q3, v2.4s
        std::copy(w.begin(), w.end(), &simd.v(4));
        simd.run(0x5e2828a4);  // sha256su0 v4.4s, v5.4s
        simd.run(0x5e0760c4);  // sha256su1 v4.4s, v6.4s, v7.4s
        w = {w[1], w[2], w[3], simd.v(4)};
    }
    CHECK(add_words(abcd, simd.v(0)) == words(0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223));
    CHECK(add_words(efgh, simd.v(1)) == words(0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad));
}

TEST_CASE("the SHA-1 instructions hash \"abc\"")
{
    SimdRig simd;
    constexpr std::uint32_t kSha1c = 0x5e020020, kSha1p = 0x5e021020, kSha1m = 0x5e022020;
    constexpr std::array kRounds{kSha1c, kSha1p, kSha1m, kSha1p};  // q0, s1, v2.4s
    constexpr std::array kConstants{0x5a827999u, 0x6ed9eba1u, 0x8f1bbcdcu, 0xca62c1d6u};
    const Vreg abcd = words(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
    const Vreg e = words(0xc3d2e1f0, 0, 0, 0);
    std::array<Vreg, 4> w = kAbc;
    simd.v(0) = abcd;
    simd.v(1) = e;
    for (unsigned t = 0; t < 20; ++t) {
        const std::uint32_t constant = kConstants.at(t / 5);
        simd.v(2) = add_words(w[0], words(constant, constant, constant, constant));
        simd.run(0x5e280803);  // sha1h s3, s0
        simd.run(kRounds.at(t / 5));
        simd.v(1) = simd.v(3);
        std::copy(w.begin(), w.end(), &simd.v(4));
        simd.run(0x5e0630a4);  // sha1su0 v4.4s, v5.4s, v6.4s
        simd.run(0x5e2818e4);  // sha1su1 v4.4s, v7.4s
        w = {w[1], w[2], w[3], simd.v(4)};
    }
    CHECK(add_words(abcd, simd.v(0)) == words(0xa9993e36, 0x4706816a, 0xba3e2571, 0x7850c26c));
    CHECK(add_words(e, simd.v(1)) == words(0x9cd0d89d, 0, 0, 0));
}

TEST_CASE("SHA512H and SHA512H2 do the first two rounds of \"abc\" as FIPS 180-4's example")
{
    // W[0] + K[0] and W[1] + K[1], which round t adds to h and g.
    constexpr std::uint64_t kFirst = 0x6162638000000000u + 0x428a2f98d728ae22u;
    constexpr std::uint64_t kSecond = 0x7137449123ef65cd;
    constexpr Vreg kAb{{0x6a09e667f3bcc908, 0xbb67ae8584caa73b}};
    constexpr Vreg kCd{{0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1}};
    constexpr Vreg kEf{{0x510e527fade682d1, 0x9b05688c2b3e6c1f}};
    constexpr Vreg kGh{{0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}};
    SimdRig simd;
    simd.v(0) = kAb;
    simd.v(1) = kCd;
    simd.v(3) = {{kGh.d[0] + kSecond, kGh.d[1] + kFirst}};
    simd.v(5) = {{kEf.d[1], kGh.d[0]}};
    simd.v(6) = {{kCd.d[1], kEf.d[0]}};
    simd.run(0xce6680a3);                                    // sha512h q3, q5, v6.2d
    CHECK(simd.v(3).d[1] + kCd.d[1] == 0x58cb02347ab51f91);  // e after round 0
    CHECK(simd.v(3).d[0] + kCd.d[0] == 0xc3d4ebfd48650ffa);  // e after round 1
    simd.run(0xce608423);                                    // sha512h2 q3, q1, v0.2d
    CHECK(simd.v(3) == Vreg{{0x1320f8c9fb872cc0, 0xf6afceb8bcfcddf5}});
}

TEST_CASE("SHA512SU0 and SHA512SU1 extend the message by two words")
{
    SimdRig simd;
    simd.v(16) = {{0x6162638000000000, 0}};  // W[0], W[1] of "abc"
    simd.v(23) = {{0, 24}};                  // W[14], W[15]
    simd.run(0xcec08230);                    // sha512su0 v16.2d, v17.2d
    simd.run(0xce748af0);                    // sha512su1 v16.2d, v23.2d, v20.2d
    // W[16] = W[0], W[17] = sigma1(24): 24 rotated by 19 and by 61, and shifted by 6.
    CHECK(simd.v(16) == Vreg{{0x6162638000000000, 24ull << 45 ^ 24ull << 3}});
}
