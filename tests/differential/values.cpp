// SPDX-License-Identifier: BSD-3-Clause
#include "values.h"

#include <array>

namespace gh::differential {
namespace {

std::uint64_t window_address(Random& random) noexcept
{
    // In the middle, so that offsets stay inside; often aligned, sometimes just before a page ends.
    const std::uint64_t middle = kWindowAddress + kWindowSize / 2;
    switch (random.below(8)) {
    case 0: return middle - random.below(80);
    case 1: return middle - kWindowSize / 4 + random.below(kWindowSize / 2);
    case 2: return (middle + random.below(2048)) & ~7ull;
    default: return (middle + random.below(2048)) & ~15ull;
    }
}

std::uint64_t offset(Random& random) noexcept
{
    const std::uint64_t value = random.below(256) - 128ull;
    // UXTW and SXTW must not look at the upper half.
    return random.once_in(4) ? (value & 0xffff'ffff) | random.next() << 32 : value;
}

std::uint64_t special_double(Random& random) noexcept
{
    constexpr std::array<std::uint64_t, 22> kValues{
        0,
        0x3ff0'0000'0000'0000,  // 1
        0x4000'0000'0000'0000,  // 2
        0x3fe0'0000'0000'0000,  // 0.5
        0x3ff8'0000'0000'0000,  // 1.5
        0x4008'0000'0000'0000,  // 3
        0x7ff0'0000'0000'0000,  // infinity
        0x7ff8'0000'0000'0000,  // quiet NaN
        0x7ff8'0000'0000'1234,
        0x7ff0'0000'0000'0001,  // signalling NaN
        0x7ff4'0000'0000'5678,
        0x0000'0000'0000'0001,  // denormals
        0x000f'ffff'ffff'ffff,
        0x0010'0000'0000'0000,  // smallest and largest normal
        0x7fef'ffff'ffff'ffff,
        0x43e0'0000'0000'0000,  // 2^63
        0x43f0'0000'0000'0000,  // 2^64
        0x41df'ffff'ffc0'0000,  // 2^31 - 1
        0x41ef'ffff'ffe0'0000,  // 2^32 - 1
        0x47ef'ffff'f000'0000,  // rounds to the infinity of singles
        0x3fef'ffff'fe00'0000,  // the product of these two underflows, but not after rounding
        0x0010'0000'0100'0000,
    };
    return kValues.at(random.below(kValues.size())) | random.next() << 63;
}

std::uint32_t special_single(Random& random) noexcept
{
    // The last two have a product as above.
    constexpr std::array<std::uint32_t, 20> kValues{
        0,           0x3f80'0000, 0x4000'0000, 0x3f00'0000, 0x3fc0'0000, 0x7f80'0000, 0x7fc0'0000,
        0x7fc0'1234, 0x7f80'0001, 0x7fa0'5678, 0x0000'0001, 0x007f'ffff, 0x0080'0000, 0x7f7f'ffff,
        0x4f00'0000, 0x4f80'0000, 0x477f'f000, 0x3880'0000, 0x3f7f'f800, 0x0080'0400,
    };
    return kValues.at(random.below(kValues.size())) | (random.word() & 0x8000'0000);
}

std::uint64_t special_half(Random& random) noexcept
{
    constexpr std::array<std::uint16_t, 12> kValues{0,      0x3c00, 0x4000, 0x7c00, 0x7e00, 0x7e12,
                                                    0x7c01, 0x7d34, 0x0001, 0x03ff, 0x0400, 0x7bff};
    return kValues.at(random.below(kValues.size())) | (random.word() & 0x8000);
}

/// A double of moderate size whose neighbours differ in rounding.
std::uint64_t ordinary_double(Random& random) noexcept
{
    const std::uint64_t exponent = 1023 - 40 + random.below(80);
    const std::uint64_t fraction = random.next() >> 12;
    return random.next() << 63 | exponent << 52 |
           (random.once_in(2) ? fraction : fraction & ~0xffff'ffffull);
}

std::uint64_t ordinary_single(Random& random) noexcept
{
    const std::uint32_t exponent = 127 - 20 + random.below(40);
    return (random.word() & 0x807f'ffff) | exponent << 23;
}

/// Bytes at the edges of signed and unsigned saturation.
std::uint64_t edge_bytes(Random& random) noexcept
{
    constexpr std::array<std::uint8_t, 8> kValues{0, 1, 0x7f, 0x80, 0x81, 0xff, 0xfe, 0x40};
    std::uint64_t result = 0;
    for (unsigned i = 0; i < 8; ++i)
        result = result << 8 | kValues.at(random.below(kValues.size()));
    return result;
}

}  // namespace

std::uint64_t integer(Random& random) noexcept
{
    switch (random.below(12)) {
    case 0: return 0;
    case 1: return ~0ull;
    case 2: return 1ull << 63;
    case 3: return ~0ull >> 1;
    case 4: return 1ull << random.below(64);
    case 5: return random.below(256);
    case 6: return 0ull - random.below(256);
    case 7: return random.word();
    case 8: return 0x8000'0000ull + random.below(3) - 1;
    case 9: return edge_bytes(random);
    default: return random.next();
    }
}

std::uint64_t lanes(Random& random) noexcept
{
    switch (random.below(10)) {
    case 0:
    case 1: return special_double(random);
    case 2: return ordinary_double(random);
    case 3:
    case 4: return std::uint64_t{special_single(random)} << 32 | special_single(random);
    case 5: return ordinary_single(random) << 32 | ordinary_single(random);
    case 6:
        return special_half(random) << 48 | special_half(random) << 32 |
               special_half(random) << 16 | special_half(random);
    case 7: return edge_bytes(random);
    case 8: return integer(random);
    default: return random.next();
    }
}

void fill(Registers& registers, Random& random) noexcept
{
    for (std::uint64_t& x : registers.x)
        x = integer(random);
    for (unsigned i = kFirstAddress; i < kFirstOffset; ++i)
        registers.x[i] = window_address(random);
    for (unsigned i = kFirstAligned; i < kFirstOffset; ++i)
        registers.x[i] &= ~15ull;
    for (unsigned i = kFirstOffset; i < kFpsrValue; ++i)
        registers.x[i] = offset(random);
    registers.x[kFpsrValue] = random.word() & kFpsrMask;
    registers.x[kFpcrValue] = random.word() & kFpcrMask;
    registers.sp = window_address(random) & ~15ull;
    registers.nzcv = random.word() & kNzcvMask;
    // Round to nearest with nothing else is what programs use.
    registers.fpcr = random.once_in(2) ? 0 : random.word() & kFpcrMask;
    registers.fpsr = random.once_in(2) ? 0 : random.word() & kFpsrMask;
    registers.signal = 0;
    registers.fault_address = 0;
    for (auto& half : registers.v)
        half = lanes(random);
}

}  // namespace gh::differential
