// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/softfloat_host.h"

#include <limits>
#include <random>

#include <doctest/doctest.h>

using namespace gh::cpu;

namespace {

using Limits = std::numeric_limits<double>;

constexpr std::uint64_t kSNaN = 0x7ff0'0000'0000'0001;
constexpr std::uint64_t kQNaN = 0xfff8'0000'0000'0002;
constexpr std::uint64_t kDefaultNaN = 0x7ff8'0000'0000'0000;
constexpr std::uint64_t kSmallestNormal = 0x0010'0000'0000'0000;
constexpr std::uint64_t kMinusZero = 1ull << 63;
constexpr std::uint32_t kTowardsMinus = 2u << 22;
constexpr std::uint32_t kTowardsPlus = 1u << 22;

constexpr std::uint64_t bits_of(double value)
{
    return std::bit_cast<std::uint64_t>(value);
}
constexpr std::uint32_t bits_of(float value)
{
    return std::bit_cast<std::uint32_t>(value);
}

/// FPCR and FPSR of one test.
struct Fp {
    std::uint32_t fpsr = 0;
    FpEnv env{0, fpsr};

    explicit Fp(std::uint32_t fpcr = 0) : env{fpcr, fpsr} {}
};

/// Numbers of all kinds: any sign, exponent and fraction, each often an extreme one.
std::uint64_t any_double(std::mt19937_64& random)
{
    constexpr std::uint64_t kExponents[] = {0, 1, 2, 0x3fe, 0x3ff, 0x400, 0x7fe, 0x7ff};
    const std::uint64_t exponent = random() % 2 != 0 ? random() & 0x7ff : kExponents[random() % 8];
    const std::uint64_t fraction = random() % 4 != 0 ? random() >> 12 : random() % 2;
    return random() << 63 | exponent << 52 | fraction;
}

/// The single-precision number with the ends of its bits.
std::uint32_t any_float(std::uint64_t bits)
{
    return static_cast<std::uint32_t>(bits >> 32 & 0xff80'0000) |
           static_cast<std::uint32_t>(bits & 0x007f'ffff);
}

}  // namespace

TEST_CASE("a signalling NaN comes before a quiet one, whichever operand it is, and is quieted")
{
    Fp fp;
    CHECK(FPAdd(kQNaN, kSNaN, fp.env) == (kSNaN | 1ull << 51));
    CHECK(fp.fpsr == kFpsrIoc);
}

TEST_CASE("the first of two quiet NaNs is the result, sign and all")
{
    Fp fp;
    CHECK(FPMul(kQNaN, kDefaultNaN, fp.env) == kQNaN);
    CHECK(FPSub(kDefaultNaN, kQNaN, fp.env) == kDefaultNaN);
    CHECK(fp.fpsr == 0);
}

TEST_CASE("DN makes every NaN the default one, which is positive")
{
    Fp fp(kFpcrDn);
    CHECK(FPDiv(kQNaN, bits_of(1.0), fp.env) == kDefaultNaN);
    CHECK(FPSub(bits_of(Limits::infinity()), bits_of(Limits::infinity()), fp.env) == kDefaultNaN);
    CHECK(fp.fpsr == kFpsrIoc);
}

TEST_CASE("zero times infinity plus a quiet NaN is invalid, not that NaN")
{
    Fp fp;
    CHECK(FPMulAdd(kQNaN, bits_of(0.0), bits_of(Limits::infinity()), fp.env) == kDefaultNaN);
    CHECK(fp.fpsr == kFpsrIoc);
}

TEST_CASE("an exact difference of equal numbers is -0 only when rounding towards minus infinity")
{
    Fp nearest, down(kTowardsMinus);
    CHECK(FPSub(bits_of(1.5), bits_of(1.5), nearest.env) == 0);
    CHECK(FPSub(bits_of(1.5), bits_of(1.5), down.env) == kMinusZero);
}

TEST_CASE("overflow goes to infinity or to the largest number, as rounding says")
{
    Fp nearest, down(kTowardsMinus);
    CHECK(FPMul(bits_of(Limits::max()), bits_of(2.0), nearest.env) == bits_of(Limits::infinity()));
    CHECK(FPMul(bits_of(Limits::max()), bits_of(2.0), down.env) == bits_of(Limits::max()));
    CHECK(down.fpsr == (kFpsrOfc | kFpsrIxc));
}

TEST_CASE("tininess is detected before rounding")
{
    // The largest denormal but a little rounds to the smallest normal number, and yet underflows.
    Fp fp;
    CHECK(FPMul(kSmallestNormal, bits_of(1.0 - Limits::epsilon() / 2), fp.env) == kSmallestNormal);
    CHECK(fp.fpsr == (kFpsrUfc | kFpsrIxc));
}

TEST_CASE(
    "FZ takes denormal operands for zero and says so, and flushes results without inexactness")
{
    Fp operand(kFpcrFz), result(kFpcrFz);
    CHECK(FPAdd(std::uint64_t{1}, bits_of(2.0), operand.env) == bits_of(2.0));
    CHECK(operand.fpsr == kFpsrIdc);
    CHECK(FPMul(kSmallestNormal, bits_of(-0.5), result.env) == kMinusZero);
    CHECK(result.fpsr == kFpsrUfc);
}

TEST_CASE("a fused product keeps the bits that a rounded one loses")
{
    Fp fp;
    const auto third = bits_of(1.0 / 3.0);
    CHECK(FPMulAdd(bits_of(-1.0), third, bits_of(3.0), fp.env) == bits_of(-0x1p-54));
    CHECK(fp.fpsr == 0);
}

TEST_CASE("maximum orders zeros by sign, and the number variant prefers a number to a quiet NaN")
{
    Fp fp;
    CHECK(FPMax(kMinusZero, bits_of(0.0), fp.env) == 0);
    CHECK(FPMin(bits_of(0.0), kMinusZero, fp.env) == kMinusZero);
    CHECK(FPMaxNum(kQNaN, bits_of(-3.0), fp.env) == bits_of(-3.0));
    CHECK(FPMax(kQNaN, bits_of(-3.0), fp.env) == kQNaN);
}

TEST_CASE("quiet NaNs are unordered silently for FCMP, loudly for FCMPE")
{
    Fp quiet, loud;
    CHECK(FPCompare(kQNaN, bits_of(1.0), false, quiet.env) == 3u << 28);
    CHECK(FPCompare(kQNaN, bits_of(1.0), true, loud.env) == 3u << 28);
    CHECK(quiet.fpsr == 0);
    CHECK(loud.fpsr == kFpsrIoc);
}

TEST_CASE("conversion to integer saturates, and NaN becomes zero")
{
    Fp fp;
    const auto convert = [&](double op) {
        return FPToFixed<std::int32_t>(bits_of(op), 0, FPRounding::Zero, fp.env);
    };
    CHECK(convert(-2147483648.9) == std::numeric_limits<std::int32_t>::min());
    CHECK(fp.fpsr == kFpsrIxc);
    CHECK(convert(2147483648.0) == std::numeric_limits<std::int32_t>::max());
    CHECK(fp.fpsr == (kFpsrIoc | kFpsrIxc));
    CHECK(FPToFixed<std::uint32_t>(bits_of(-1.0), 0, FPRounding::Zero, fp.env) == 0);
    CHECK(FPToFixed<std::int64_t>(kQNaN, 0, FPRounding::Zero, fp.env) == 0);
}

TEST_CASE("a tie goes to even, away from zero or to either side")
{
    Fp fp;
    const auto round = [&](double op, FPRounding rounding) {
        return std::bit_cast<double>(FPRoundInt(bits_of(op), rounding, false, fp.env));
    };
    CHECK(round(2.5, FPRounding::TieEven) == 2);
    CHECK(round(2.5, FPRounding::TieAway) == 3);
    CHECK(round(-2.5, FPRounding::PosInf) == -2);
    CHECK(round(-2.5, FPRounding::NegInf) == -3);
    CHECK(fp.fpsr == 0);
}

TEST_CASE("half precision has infinities, or with AHP larger numbers and no NaN")
{
    Fp ieee, alternative(kFpcrAhp);
    CHECK(FPConvert<std::uint16_t>(bits_of(100000.0f), FPRounding::TieEven, ieee.env) == 0x7c00);
    CHECK(FPConvert<std::uint32_t>(std::uint16_t{0x7c00}, FPRounding::TieEven, alternative.env) ==
          bits_of(65536.0f));
    CHECK(FPConvert<std::uint16_t>(kQNaN, FPRounding::TieEven, alternative.env) == 0x8000);
    CHECK(alternative.fpsr == kFpsrIoc);
}

TEST_CASE("rounding to odd keeps a second rounding honest")
{
    Fp fp;
    CHECK(FPConvert<std::uint32_t>(bits_of(1.0 + 0x1p-40), FPRounding::Odd, fp.env) ==
          bits_of(1.0f + 0x1p-23f));
}

TEST_CASE("a NaN keeps the top of its payload when it changes format")
{
    Fp fp;
    CHECK(FPConvert<std::uint32_t>(0xfff4'0000'2000'0000, FPRounding::TieEven, fp.env) ==
          0xffe0'0001);
    CHECK(fp.fpsr == kFpsrIoc);
}

TEST_CASE("JavaScript's conversion wraps, and tells whether the number was an integer")
{
    Fp fp;
    bool exact = false;
    CHECK(FPToFixedJS(bits_of(0x1p32 + 7), exact, fp.env) == 7);
    CHECK_FALSE(exact);
    CHECK(fp.fpsr == kFpsrIoc);
    CHECK(FPToFixedJS(bits_of(-5.0), exact, fp.env) == 0xffff'fffb);
    CHECK(exact);
    CHECK(FPToFixedJS(kMinusZero, exact, fp.env) == 0);
    CHECK_FALSE(exact);
}

TEST_CASE("JavaScript's conversion does not call a flushed denormal exact")
{
    Fp fp(kFpcrFz);
    bool exact = true;
    CHECK(FPToFixedJS(1, exact, fp.env) == 0);
    CHECK_FALSE(exact);
    CHECK(fp.fpsr == kFpsrIdc);
}

TEST_CASE("estimates have eight bits, and follow the rounding mode when they overflow")
{
    Fp fp, up(kTowardsPlus);
    CHECK(FPRecipEstimate(bits_of(1.0), fp.env) == bits_of(0.998046875));
    CHECK(FPRSqrtEstimate(bits_of(4.0), fp.env) == bits_of(0.4990234375));
    CHECK(UnsignedRecipEstimate(0x8000'0000) == 0xff80'0000);
    CHECK(FPRecipEstimate(std::uint64_t{1} | kMinusZero, up.env) == bits_of(-Limits::max()));
    CHECK(up.fpsr == (kFpsrOfc | kFpsrIxc));
}

namespace {

/// Runs `exact` and `fast` with the same FPCR and FPSR; both must answer and raise the same.
struct Race {
    std::uint32_t fpcr;
    std::uint32_t fpsr;

    template <class Exact, class Fast>
    bool operator()(Exact exact, Fast fast) const
    {
        std::uint32_t exact_flags = fpsr, fast_flags = fpsr;
        FpEnv exact_env{fpcr, exact_flags}, fast_env{fpcr, fast_flags};
        return exact(exact_env) == fast(fast_env) && exact_flags == fast_flags;
    }
};

// SAME(FPAdd, a, b): FPAdd(a, b) is FPAddExactly(a, b). SAME_AS names a type argument too.
#define SAME(function, ...)                                                   \
    REQUIRE(race([&](FpEnv& e) { return function##Exactly(__VA_ARGS__, e); }, \
                 [&](FpEnv& e) { return function(__VA_ARGS__, e); }))
#define SAME_AS(type, function, ...)                                                \
    REQUIRE(race([&](FpEnv& e) { return function##Exactly<type>(__VA_ARGS__, e); }, \
                 [&](FpEnv& e) { return function<type>(__VA_ARGS__, e); }))

template <class Bits>
void race_arithmetic(const Race& race, Bits a, Bits b, Bits c)
{
    SAME(FPAdd, a, b);
    SAME(FPSub, a, b);
    SAME(FPMul, a, b);
    SAME(FPDiv, a, b);
    SAME(FPSqrt, a);
    SAME(FPMulAdd, c, a, b);
    SAME(FPMax, a, b);
    SAME(FPMin, a, b);
    SAME(FPCompare, a, b, false);
}

template <class Bits>
void race_conversions(const Race& race, Bits a, std::uint64_t integer)
{
    for (unsigned rounding = 0; rounding < 5; ++rounding)
        SAME(FPRoundInt, a, FPRounding(rounding), rounding % 2 == 0);
    SAME_AS(std::int32_t, FPToFixed, a, 0, FPRounding::Zero);
    SAME_AS(std::uint64_t, FPToFixed, a, 0, FPRounding::Zero);
    SAME_AS(Bits, FixedToFP, integer, 0);
    SAME_AS(Bits, FixedToFP, static_cast<std::int32_t>(integer), 0);
}

}  // namespace

TEST_CASE("the host's arithmetic is used only where it gives result and flags of the integer one")
{
    std::mt19937_64 random(1);
    for (int i = 0; i < 40'000; ++i) {
        const std::uint64_t a = any_double(random), b = any_double(random), c = any_double(random);
        const Race race{random() % 2 != 0 ? 0 : static_cast<std::uint32_t>(random() & 0x07c0'0000),
                        random() % 4 != 0 ? kFpsrIxc : 0};
        INFO(a, " ", b, " ", c, " ", race.fpcr, " ", race.fpsr);
        race_arithmetic(race, a, b, c);
        race_arithmetic(race, any_float(a), any_float(b), any_float(c));
        race_conversions(race, a, c >> random() % 64);
        race_conversions(race, any_float(a), c >> random() % 64);
        SAME_AS(std::uint32_t, FPConvert, a, FPRounding(race.fpcr >> 22 & 3));
        SAME_AS(std::uint64_t, FPConvert, any_float(a), FPRounding(race.fpcr >> 22 & 3));
    }
}
