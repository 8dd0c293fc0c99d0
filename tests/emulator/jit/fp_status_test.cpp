// SPDX-License-Identifier: BSD-3-Clause
// FPSR, whose flags wait in the host's status register while translated code computes.
#include "emulator/cpu/softfloat.h"
#include "translated_rig.h"

#include <bit>
#include <cfenv>
#include <limits>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

constexpr std::uint32_t kFadd = 0x1e62'2820;    // fadd d0, d1, d2
constexpr std::uint32_t kReads = 0xd53b'4420;   // mrs x0, fpsr
constexpr std::uint32_t kClears = 0xd51b'443f;  // msr fpsr, xzr

/// A rig whose sum d1 + d2 is not exact.
class FpRig : public TranslatedRig {
public:
    FpRig(std::initializer_list<std::uint32_t> words) : TranslatedRig(words)
    {
        doubles(1, 0x1p-60);
    }

    cpu::Vreg& v(unsigned n) { return cpu.state().v.at(n); }
    std::uint32_t& fpsr() { return cpu.state().fpsr; }
    void doubles(double first, double second)
    {
        v(1) = {{std::bit_cast<std::uint64_t>(first), 0}};
        v(2) = {{std::bit_cast<std::uint64_t>(second), 0}};
    }
    /// The same two numbers in all lanes.
    void singles(float first, float second)
    {
        constexpr std::uint64_t kBoth = 0x1'0000'0001;
        v(1).d.fill(std::bit_cast<std::uint32_t>(first) * kBoth);
        v(2).d.fill(std::bit_cast<std::uint32_t>(second) * kBoth);
    }
};

}  // namespace

TEST_CASE("an inexact sum is in FPSR when the guest reads it")
{
    FpRig rig{kFadd, kReads, kHvc};
    CHECK(rig.run() == cpu::Exit::Requested);
    CHECK(rig.is_translated(kRam));
    CHECK(rig.x(0) == cpu::kFpsrIxc);
}

TEST_CASE("an inexact sum is in FPSR when the PE has stopped")
{
    FpRig rig{kFadd, kHvc};
    rig.run();
    CHECK(rig.fpsr() == cpu::kFpsrIxc);
}

TEST_CASE("an exact sum leaves FPSR clear")
{
    FpRig rig{kFadd, kReads, kHvc};
    rig.doubles(1, 2);
    rig.run();
    CHECK(rig.x(0) == 0);
    CHECK(rig.fpsr() == 0);
}

TEST_CASE("a flag that the guest cleared stays clear until it is raised again")
{
    FpRig rig{kFadd, kClears, kReads, kFadd, kHvc};
    rig.run();
    CHECK(rig.x(0) == 0);
    CHECK(rig.fpsr() == cpu::kFpsrIxc);
}

TEST_CASE("flags that the host's own arithmetic raised are not the guest's")
{
    FpRig rig{kFadd, kHvc};
    rig.doubles(1, 2);
    std::feraiseexcept(FE_ALL_EXCEPT);
    rig.run();
    CHECK(rig.fpsr() == 0);
    std::feclearexcept(FE_ALL_EXCEPT);
}

TEST_CASE("what a guest computes with another rounding mode in between is its own")
{
    // fadd; msr fpcr, x1; fadd d3, d1, d2; msr fpcr, xzr
    FpRig rig{kFadd, 0xd51b'4401, 0x1e62'2823, 0xd51b'441f, kHvc};
    rig.x(1) = std::uint64_t{1} << 22;  // to plus infinity
    rig.run();
    CHECK(rig.v(0).d[0] == std::bit_cast<std::uint64_t>(1.0));
    CHECK(rig.v(3).d[0] == std::bit_cast<std::uint64_t>(1.0) + 1);
}

TEST_CASE("overflow, division by zero and underflow are told")
{
    FpRig rig{0x1e62'0820, kHvc};  // fmul d0, d1, d2
    rig.doubles(0x1p1000, 0x1p1000);
    rig.run();
    CHECK(rig.fpsr() == (cpu::kFpsrOfc | cpu::kFpsrIxc));

    FpRig divides{0x1e62'1820, kHvc};  // fdiv d0, d1, d2
    divides.doubles(1, 0);
    divides.run();
    CHECK(divides.v(0).d[0] ==
          std::bit_cast<std::uint64_t>(std::numeric_limits<double>::infinity()));
    CHECK(divides.fpsr() == cpu::kFpsrDzc);

    FpRig tiny{0x1e62'0820, kHvc};
    tiny.doubles(0x1p-1000, 0x1.8p-74);
    tiny.run();
    CHECK(tiny.fpsr() == (cpu::kFpsrUfc | cpu::kFpsrIxc));
}

TEST_CASE("a product that underflows before rounding and not after it has underflowed")
{
    FpRig rig{0x1e22'0820, kHvc};               // fmul s0, s1, s2
    rig.singles(1 - 0x1p-13f, 0x1.0008p-126f);  // 2^-126 * (1 - 2^-26)
    rig.run();
    CHECK(rig.v(0).d[0] == 0x0080'0000);
    CHECK(rig.fpsr() == (cpu::kFpsrUfc | cpu::kFpsrIxc));
}

TEST_CASE("lanes that take no part raise nothing")
{
    FpRig rig{0x0e22'd420, kHvc};  // fadd v0.2s, v1.2s, v2.2s
    rig.singles(1, 0x1p-60f);
    rig.v(1).d[0] = 0;
    rig.run();
    CHECK(rig.fpsr() == 0);

    FpRig by_element{0x5f82'9020, kHvc};  // fmul s0, s1, v2.s[0]
    by_element.singles(1 + 0x1p-20f, 1 + 0x1p-20f);
    by_element.v(1).d[0] = std::bit_cast<std::uint32_t>(1.0f) | by_element.v(1).d[0] << 32;
    by_element.run();
    CHECK(by_element.fpsr() == 0);
}

TEST_CASE("an integer that saturates is invalid and not inexact")
{
    FpRig rig{0x1e79'0020, kHvc};  // fcvtzu w0, d1
    for (const double number : {5e9 + 0.5, -1.5}) {
        rig.doubles(number, 0);
        rig.fpsr() = 0;
        rig.run_at(kRam);
        CHECK(rig.fpsr() == cpu::kFpsrIoc);
    }
    rig.doubles(1.5, 0);
    rig.fpsr() = 0;
    rig.run_at(kRam);
    CHECK(rig.x(0) == 1);
    CHECK(rig.fpsr() == cpu::kFpsrIxc);
}

TEST_CASE("of roundings to integral values only FRINTX says that it changed something")
{
    FpRig rig{0x1e64'4020, kReads, 0x1e67'4020, kHvc};  // frintn d0, d1; frintx d0, d1
    rig.doubles(1.25, 0);
    rig.run();
    CHECK(rig.x(0) == 0);
    CHECK(rig.fpsr() == cpu::kFpsrIxc);
}

}  // namespace gh::jit::test
