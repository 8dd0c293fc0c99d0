// SPDX-License-Identifier: BSD-3-Clause
// A few sentences for every family of Advanced SIMD; tests/differential has the numbers.
#include "emulator/cpu/softfloat.h"
#include "simd_rig.h"

#include <doctest/doctest.h>

using gh::cpu::Vreg;
using gh::cpu::test::bits_of;
using gh::cpu::test::SimdRig;

namespace {

/// Runs `word` on v1 = n, v2 = m and v0 = d, and returns v0.
struct Binary {
    SimdRig simd;
    Vreg operator()(std::uint32_t word, Vreg n, Vreg m = {}, Vreg d = {{~0ull, ~0ull}})
    {
        simd.v(0) = d;
        simd.v(1) = n;
        simd.v(2) = m;
        REQUIRE(simd.run(word));
        return simd.v(0);
    }
    bool saturated() { return (simd.state().fpsr & gh::cpu::kFpsrQc) != 0; }
};

}  // namespace

TEST_CASE("saturation holds lanes at their limits and is remembered in QC")
{
    Binary run;
    CHECK(run(0x4e220c20, {{0x017f, 0}}, {{0x0101, 0}}) == Vreg{{0x027f, 0}});  // sqadd 16b
    CHECK(run.saturated());
}

TEST_CASE("QC stays clear where nothing saturates")
{
    Binary run;
    CHECK(run(0x7e222c20, {{5, 0}}, {{4, 0}}) == Vreg{{1, 0}});  // uqsub b0, b1, b2
    CHECK_FALSE(run.saturated());
}

TEST_CASE("halving additions keep the carry")
{
    Binary run;
    CHECK(run(0x4ea20420, {{0x7fff'ffff, 0x8000'0000}}, {{1, 0x8000'0000}}) ==
          Vreg{{0x4000'0000, 0x8000'0000}});  // shadd 4s
}

TEST_CASE("a shift by register goes right if negative, and rounds if told")
{
    Binary run;
    CHECK(run(0x7ee25420, {{3, 9}}, {{0xff, 9}}) == Vreg{{2, 0}});  // urshl d0, d1, d2: by -1
    CHECK(run(0x7ee25420, {{~0ull, 9}}, {{0x80, 9}}) == Vreg{});    // by -128
    CHECK(run(0x4ea24c20, {{1, 0}}, {{31, 0}}) == Vreg{{0x7fff'ffff, 0}});  // sqshl 4s
    CHECK(run.saturated());
}

TEST_CASE("doubling products saturate for one pair of factors")
{
    Binary run;
    CHECK(run(0x6e62b420, {{0x8000, 0}}, {{0x8000, 0}}) == Vreg{{0x7fff, 0}});  // sqrdmulh 8h
    CHECK(run.saturated());
}

TEST_CASE("SQRDMLAH rounds the sum, not the product")
{
    Binary run;
    CHECK(run(0x6e428420, {{1, 0}}, {{0x4000, 0}}, {{1, 0}}) == Vreg{{2, 0}});
}

TEST_CASE("narrowing into the upper half leaves the lower one")
{
    Binary run;
    CHECK(run(0x4e224020, {{0x1234'0000, 0}}, {{0x0100'0000, 0}}, {{7, 7}}) ==
          Vreg{{7, 0x1300}});  // addhn2 v0.16b, v1.8h, v2.8h
}

TEST_CASE("an element may come from anywhere in its register")
{
    Binary run;
    CHECK(run(0x2fa2a820, {{0x0000'0002'0000'0003, 0}}, {{0, 10ull << 32}}) ==
          Vreg{{30, 20}});  // umull v0.2d, v1.2s, v2.s[3]
}

TEST_CASE("right shifts by the whole width are allowed")
{
    Binary run;
    CHECK(run(0x4f080420, {{0x80, 0}}) == Vreg{{0xff, 0}});              // sshr 16b, #8
    CHECK(run(0x6f404420, {{~0ull, 0}}, {}, {{5, 6}}) == Vreg{{5, 6}});  // sri 2d, #64
    CHECK(run(0x2f0c8420, {{0x1230'ffff, 0}}) == Vreg{{0xff00, 0}});     // sqshrun 8b, #4
}

TEST_CASE("table lookup wraps round the registers; what is out of range is zero, or stays")
{
    Binary run;
    run.simd.v(31) = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    CHECK(run(0x4e0223e0, {}, {{0x20'10'0f, 0}}, {{0xaa, 0}}) ==
          Vreg{{0xaa0f, 0}});  // the other indices are 0, and so is v31's byte 0
    CHECK(run(0x0e021020, {{0x11, 0}}, {{0xff00, 0}}, {{0x2222, 0}}) ==
          Vreg{{0x1111'1111'1111'2211, 0}});  // tbx 8b
}

TEST_CASE("permutations take lanes from both registers")
{
    Binary run;
    const Vreg n{{0x0003'0002'0001'0000, 0x0007'0006'0005'0004}};
    const Vreg m{{0x0013'0012'0011'0010, 0x0017'0016'0015'0014}};
    CHECK(run(0x4e427820, n, m) == Vreg{{0x0015'0005'0014'0004, 0x0017'0007'0016'0006}});  // zip2
    CHECK(run(0x6e021820, n, m) == Vreg{{0x0500'0400'0300'0200, 0x1100'1000'0700'0600}});  // ext #3
}

TEST_CASE("immediates are masks, shifted ones or floating point")
{
    Binary run;
    CHECK(run(0x6f05e540, {}) == Vreg{{0xff00ff00ff00ff00, 0xff00ff00ff00ff00}});  // movi 2d
    CHECK(run(0x6f00d640, {}) == Vreg{{0xffed0000ffed0000, 0xffed0000ffed0000}});  // mvni, msl #16
    CHECK(run(0x6f06f400, {}) == Vreg{{bits_of(-0.125), bits_of(-0.125)}});        // fmov 2d
}

TEST_CASE("lanes move to general registers extended, and back into their place")
{
    Binary run;
    run(0x4e1e2c20, {{0, 0x8000'0000'0000'0000}});  // smov x0, v1.h[7]
    CHECK(run.simd.x(0) == 0xffff'ffff'ffff'8000);
    CHECK(run(0x6e1c2420, {{7ull << 32, 0}}, {}, {}) == Vreg{{0, 7ull << 32}});  // ins s[3], s[1]
    run.simd.x(1) = 0x1234;
    CHECK(run(0x0e010c20, {}) == Vreg{{0x3434343434343434, 0}});  // dup v0.8b, w1
}

TEST_CASE("reductions give one lane")
{
    Binary run;
    CHECK(run(0x6eb03820, {{~0ull, ~0ull}}) == Vreg{{4 * 0xffff'ffffull, 0}});  // uaddlv d0, 4s
    CHECK(run(0x5ef1b820, {{3, 4}}) == Vreg{{7, 0}});                           // addp d0, 2d
}

TEST_CASE("dot products add four bytes' products to each lane")
{
    Binary run;
    CHECK(run(0x4e829420, {{0xff'02'03'04, 0}}, {{0x01'01'01'80, 0}}, {{10, 0}}) ==
          Vreg{{0xffff'fe0e, 0}});  // sdot: 10 - 1 + 2 + 3 - 512
}

TEST_CASE("two complex multiply-adds make a complex product")
{
    Binary run;
    const Vreg n{{bits_of(1.0f) | bits_of(2.0f) << 32, 0}};  // 1 + 2i
    const Vreg m{{bits_of(3.0f) | bits_of(4.0f) << 32, 0}};  // 3 + 4i
    const Vreg half = run(0x6e82c420, n, m, {});             // fcmla #0
    CHECK(run(0x6e82cc20, n, m, half) == Vreg{{bits_of(-5.0f) | bits_of(10.0f) << 32, 0}});
}

TEST_CASE("reserved arrangements are undefined")
{
    SimdRig simd;
    CHECK_FALSE(simd.run(0x0ee28420));  // add v0.1d, v1.1d, v2.1d
    CHECK_FALSE(simd.run(0x4ee29c20));  // mul v0.2d, v1.2d, v2.2d
    CHECK_FALSE(simd.run(0x0eb1b820));  // addv s0, v1.2s
    CHECK_FALSE(simd.run(0x2e024020));  // ext v0.8b, v1.8b, v2.8b, #8
}
