// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/trng.h"

#include "base/bits.h"
#include "emulator/hyp/entropy.h"

#include <algorithm>
#include <array>

namespace gh::hyp {

namespace {

enum : std::uint32_t {
    TRNG_VERSION = 0x8400'0050,
    TRNG_FEATURES = 0x8400'0051,
    TRNG_GET_UUID = 0x8400'0052,
    TRNG_RND_32 = 0x8400'0053,
    TRNG_RND_64 = 0xc400'0053,
};

constexpr std::uint64_t kVersion = 0x1'0000;
constexpr std::uint64_t kInvalidParameters = ~std::uint64_t{1};  // -2
constexpr std::array<std::uint64_t, 4> kUuid{0x4554'6e21, 0x92a1'433d, 0xa2ea'5fe2, 0x1639'7d4e};

std::uint64_t features(std::uint32_t function)
{
    return is_trng_function(function) ? 0 : kNotSupported;
}

/// `count` bits in x3, x2, x1, lowest first, `width` to a register.
void random_bits(Call& call, unsigned width)
{
    std::uint64_t count = call.x[1];
    std::fill_n(call.x.begin() + 1, 3, 0);
    call.x[0] = count == 0 || count > std::uint64_t{3} * width ? kInvalidParameters : 0;
    if (call.x[0] != 0)
        return;
    for (unsigned n = 3; count != 0; --n) {
        const unsigned taken = std::min(static_cast<unsigned>(count), width);
        call.x[n] = bits(random_word(), 0, taken);
        count -= taken;
    }
}

}  // namespace

bool is_trng_function(std::uint32_t function) noexcept
{
    return function == TRNG_RND_64 || (function >= TRNG_VERSION && function <= TRNG_RND_32);
}

After trng_call(Call& call) noexcept
{
    switch (call.function()) {
    case TRNG_VERSION: call.x[0] = kVersion; break;
    case TRNG_FEATURES: call.x[0] = features(call.word(1)); break;
    case TRNG_GET_UUID: std::copy(kUuid.begin(), kUuid.end(), call.x.begin()); break;
    case TRNG_RND_32:
        call.x[1] = call.word(1);
        random_bits(call, 32);
        break;
    case TRNG_RND_64: random_bits(call, 64); break;
    default: call.x[0] = kNotSupported; break;
    }
    return After::GoOn;
}

}  // namespace gh::hyp
