// SPDX-License-Identifier: BSD-3-Clause
#include "simd_rig.h"

#include <doctest/doctest.h>

using gh::cpu::kSp;
using gh::cpu::Vreg;
using gh::cpu::test::SimdRig;

namespace {

/// A rig whose data are the bytes 0, 1, 2 ..., with x0 at their start.
struct DataRig : SimdRig {
    DataRig()
    {
        for (unsigned i = 0; i < 256; ++i)
            data()[i] = static_cast<std::byte>(i);
        x(0) = kData;
    }
    std::uint64_t word_at(std::size_t offset)
    {
        std::uint64_t value = 0;
        std::memcpy(&value, data() + offset, 8);
        return value;
    }
};

constexpr Vreg kFirst16{{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
constexpr Vreg kNext16{{0x1716151413121110, 0x1f1e1d1c1b1a1918}};

}  // namespace

TEST_CASE("a pair load with post-index moves its base afterwards")
{
    DataRig rig;
    REQUIRE(rig.run(0xacc10400));  // ldp q0, q1, [x0], #32
    CHECK(rig.v(0) == kFirst16);
    CHECK(rig.v(1) == kNext16);
    CHECK(rig.x(0) == DataRig::kData + 32);
}

TEST_CASE("a register offset is extended and scaled, and a short load clears the register")
{
    DataRig rig;
    rig.x(0) += 8;
    rig.x(1) = 0xffff'fffe;  // -2 words
    rig.v(0) = {{~0ull, ~0ull}};
    REQUIRE(rig.run(0xbc61d800));  // ldr s0, [x0, w1, sxtw #2]
    CHECK(rig.v(0) == Vreg{{0x03020100, 0}});
}

TEST_CASE("a literal lies relative to its instruction")
{
    DataRig rig;
    REQUIRE(rig.run(0x1c000020));  // ldr s0, .+4: the HVC behind it
    CHECK(rig.d(0) == gh::cpu::test::Rig::kHvc);
}

TEST_CASE("a stack pointer out of line faults before anything is loaded")
{
    DataRig rig;
    rig.state().sctlr_el1 |= 8;  // SA
    rig.x(kSp) = DataRig::kData + 8;
    CHECK_FALSE(rig.run(0x3dc007e0));  // ldr q0, [sp, #16]
    CHECK(rig.v(0) == Vreg{});
}

TEST_CASE("LD1 of several registers goes on with v0 behind v31")
{
    DataRig rig;
    REQUIRE(rig.run(0x4cdfa01f));  // ld1 {v31.16b, v0.16b}, [x0], #32
    CHECK(rig.v(31) == kFirst16);
    CHECK(rig.v(0) == kNext16);
    CHECK(rig.x(0) == DataRig::kData + 32);
}

TEST_CASE("LD2 separates, ST4 of a lane joins")
{
    DataRig rig;
    REQUIRE(rig.run(0x0c408000));  // ld2 {v0.8b, v1.8b}, [x0]
    CHECK(rig.v(0) == Vreg{{0x0e0c0a0806040200, 0}});
    CHECK(rig.v(1) == Vreg{{0x0f0d0b0907050301, 0}});
    for (unsigned r = 0; r < 4; ++r)
        rig.v(r) = {{0, 0xbbbb'0000ull + (r << 16)}};
    rig.x(1) = 64;
    REQUIRE(rig.run(0x4da16800));  // st4 {v0.h-v3.h}[5], [x0], x1
    CHECK(rig.word_at(0) == 0xbbbe'bbbd'bbbc'bbbb);
    CHECK(rig.x(0) == DataRig::kData + 64);
}

TEST_CASE("LD3R fills all lanes of three registers")
{
    DataRig rig;
    REQUIRE(rig.run(0x0d40e800));  // ld3r {v0.2s-v2.2s}, [x0]
    CHECK(rig.v(0) == Vreg{{0x0302010003020100, 0}});
    CHECK(rig.v(2) == Vreg{{0x0b0a09080b0a0908, 0}});
}

TEST_CASE("a fault in the middle leaves base and registers alone")
{
    DataRig rig;
    rig.v(31) = {{1, 2}};
    rig.x(0) = gh::cpu::test::Rig::kRam + (1u << 20) - 16;  // the second register has no RAM
    const std::uint64_t base = rig.x(0);
    CHECK_FALSE(rig.run(0x4cdfa01f));  // ld1 {v31.16b, v0.16b}, [x0], #32
    CHECK(rig.x(0) == base);
    CHECK(rig.v(31) == Vreg{{1, 2}});
}

TEST_CASE("with alignment checks LD1 asks for its elements' alignment only")
{
    DataRig rig;
    rig.state().sctlr_el1 |= 2;  // A
    rig.x(0) += 1;
    CHECK(rig.run(0x4cdfa01f));        // ld1 {v31.16b, v0.16b}, [x0], #32
    CHECK_FALSE(rig.run(0x4cdfac1f));  // ld1 {v31.2d, v0.2d}, [x0], #32
}
