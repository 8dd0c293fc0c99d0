// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/smccc.h"

#include "base/bits.h"
#include "emulator/hyp/trng.h"

#include <algorithm>
#include <array>

namespace gh::hyp {

namespace {

enum : std::uint32_t {
    SMCCC_VERSION = 0x8000'0000,
    SMCCC_ARCH_FEATURES = 0x8000'0001,
    STANDARD_HYP_UID = 0x8500'ff01,
    STANDARD_HYP_REVISION = 0x8500'ff03,
    VENDOR_HYP_UID = 0x8600'ff01,
    VENDOR_HYP_REVISION = 0x8600'ff03,
    GUNYAH_HYPERCALL = 0xc600'8000,
};

constexpr std::uint64_t kSmcccVersion = 0x1'0003;
constexpr std::array<std::uint64_t, 4> kGunyahUid{0xcd8f'd5c1, 0xdb5f'53a4, 0x36ce'6592,
                                                  0x145f'3d67};

After answer(Call& call, std::uint64_t result)
{
    call.x[0] = result;
    return After::GoOn;
}

/// No workaround is on offer or needed; "no" has 32 bits.
std::uint64_t arch_features(std::uint32_t function)
{
    return function == SMCCC_VERSION || function == SMCCC_ARCH_FEATURES ? 0 : 0xffff'ffff;
}

}  // namespace

After Smccc::call(Call& call, bool smc, std::uint16_t immediate) noexcept
{
    if (immediate == 0)
        return convention(call);
    if (!smc && hypercalls_.is_immediate(immediate))
        return hypercalls_.by_immediate(call, immediate);
    return answer(call, kNotSupported);
}

After Smccc::convention(Call& call) noexcept
{
    const std::uint32_t function = call.function();
    if (Psci::is_function(function))
        return psci_ != nullptr ? psci_->call(call) : answer(call, kNotSupported);
    if (is_trng_function(function))
        return trng_call(call);
    if (bits(function, 8, 24) == GUNYAH_HYPERCALL >> 8)
        return hypercalls_.by_function(call, function & 0xff);
    switch (function) {
    case SMCCC_VERSION: return answer(call, kSmcccVersion);
    case SMCCC_ARCH_FEATURES: return answer(call, arch_features(call.word(1)));
    case STANDARD_HYP_UID:
    case VENDOR_HYP_UID: std::copy(kGunyahUid.begin(), kGunyahUid.end(), call.x.begin()); break;
    case STANDARD_HYP_REVISION: call.x[1] = 0; return answer(call, 1);  // 1.0
    case VENDOR_HYP_REVISION: return answer(call, Hypercalls::kApiInfo);
    default: return answer(call, kNotSupported);
    }
    return After::GoOn;
}

}  // namespace gh::hyp
