// SPDX-License-Identifier: BSD-3-Clause
// Floating-point instructions, and what they do to registers and flags; arithmetic itself is in
// softfloat_test.cpp.
#include "simd_rig.h"

#include <doctest/doctest.h>

using gh::cpu::Vreg;
using gh::cpu::test::bits_of;
using gh::cpu::test::SimdRig;

TEST_CASE("a scalar result clears the rest of its register")
{
    SimdRig simd;
    simd.v(0) = {{~0ull, ~0ull}};
    simd.d(1) = bits_of(1.5);
    simd.d(2) = bits_of(2.25);
    simd.run(0x1e622820);  // fadd d0, d1, d2
    CHECK(simd.v(0) == Vreg{{bits_of(3.75), 0}});
}

TEST_CASE("fused multiply-adds differ in the signs of product and addend")
{
    SimdRig simd;
    simd.d(1) = bits_of(3.0f);
    simd.d(2) = bits_of(5.0f);
    simd.d(3) = bits_of(2.0f);
    simd.run(0x1f228c20);  // fnmsub s0, s1, s2, s3
    CHECK(simd.d(0) == bits_of(13.0f));
}

TEST_CASE("comparison sets the flags, and FCCMP those of its immediate if its condition fails")
{
    SimdRig simd;
    simd.d(1) = bits_of(1.0);
    simd.d(2) = bits_of(2.0);
    simd.run(0x1e622020);  // fcmp d1, d2
    CHECK(simd.state().nzcv == 8u << 28);
    simd.run(0x1e62c429);  // fccmp d1, d2, #9, gt
    CHECK(simd.state().nzcv == 9u << 28);
}

TEST_CASE("FCSEL takes the second register where the condition fails")
{
    SimdRig simd;
    simd.d(1) = 1;
    simd.d(2) = 2;
    simd.run(0x1e624c20);  // fcsel d0, d1, d2, mi
    CHECK(simd.d(0) == 2);
}

TEST_CASE("conversion to a W register clears its upper half, and XZR swallows a result")
{
    SimdRig simd;
    simd.d(1) = bits_of(-2.75);
    simd.x(0) = ~0ull;
    simd.run(0x1e780020);  // fcvtzs w0, d1
    CHECK(simd.x(0) == 0xffff'fffe);
    simd.run(0x9e78003f);  // fcvtzs xzr, d1
    CHECK(simd.x(gh::cpu::kSp) == 0);
    CHECK(simd.x(gh::cpu::kZero) == 0);
}

TEST_CASE("fixed-point conversion scales, and refuses more fraction than a W register has")
{
    SimdRig simd;
    simd.x(1) = 40;
    simd.run(0x9e42f020);  // scvtf d0, x1, #4
    CHECK(simd.d(0) == bits_of(2.5));
    CHECK_FALSE(simd.run(0x1e027c20));  // scvtf s0, w1, #33
}

TEST_CASE("FMOV reaches the upper half of a register and leaves the lower one")
{
    SimdRig simd;
    simd.v(0) = {{1, 2}};
    simd.x(1) = 3;
    simd.run(0x9eaf0020);  // fmov v0.d[1], x1
    CHECK(simd.v(0) == Vreg{{1, 3}});
}

TEST_CASE("FJCVTZS reports in Z whether the number was exact")
{
    SimdRig simd;
    simd.d(1) = bits_of(0x1p31);
    simd.run(0x1e7e0020);  // fjcvtzs w0, d1
    CHECK(simd.x(0) == 0x8000'0000);
    CHECK(simd.state().nzcv == 0);
    simd.d(1) = bits_of(-3.0);
    simd.run(0x1e7e0020);
    CHECK(simd.state().nzcv == 4u << 28);
}

TEST_CASE("arithmetic in half precision is undefined")
{
    SimdRig simd;
    CHECK_FALSE(simd.run(0x1ee22820));  // fadd h0, h1, h2
    CHECK_FALSE(simd.run(0x1ef00020));  // fcvtms w0, h1
}
