// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/hypercalls.h"

#include "base/bits.h"
#include "emulator/hyp/entropy.h"

#include <algorithm>

namespace gh::hyp {

namespace {

enum : unsigned {
    HYPERVISOR_IDENTIFY = 0x00,
    DOORBELL_SEND = 0x12,
    DOORBELL_RECEIVE = 0x13,
    DOORBELL_RESET = 0x14,
    DOORBELL_MASK = 0x15,
    SCHEDULER_YIELD = 0x3b,
    PRNG_GET_ENTROPY = 0x57,
};

enum Error : std::uint64_t {
    kOk = 0,
    kArgumentInvalid = 1,
    kArgumentSize = 2,
    kArgumentAlignment = 3,
    kCapNull = 50,
    kCapWrongType = 52,
    kCapRights = 53,
};

constexpr std::uint64_t kYieldTo = 1;           // hints: 0 yield, 1 yield to, 2 yield lower
constexpr std::uint64_t kFlags0 = 0x1000'0eff;  // golden hyp.identify
constexpr std::uint64_t kCapEnd = 0x1'0000;     // beyond, a number is no capability at all

/// What a call checks before it looks at its arguments: how many it has (the next one is reserved
/// and must be 0; 8: none is) and how many it returns.
struct Signature {
    std::uint8_t arguments = 8;
    std::uint8_t outputs = 0;
    bool exists = false;
};

struct Row {
    std::uint8_t first, last;
    std::uint8_t arguments;
    std::uint8_t outputs;
};

/// By number, from the table of gunyah-guest-abi.md 4. Calls that no guest has a capability for are
/// here for their error alone. addrspace_modify_pages (0x69) is younger than the hypervisor we
/// follow: it does not exist (golden hyp.0x69.modify_pages).
constexpr Row kRows[] = {
    {0x00, 0x00, 8, 4}, {0x01, 0x07, 2, 1}, {0x09, 0x0b, 2, 1}, {0x0c, 0x0c, 1, 0},
    {0x0d, 0x0d, 2, 0}, {0x0e, 0x0e, 1, 0}, {0x0f, 0x0f, 2, 0}, {0x10, 0x10, 3, 0},
    {0x11, 0x11, 1, 0}, {0x12, 0x13, 2, 1}, {0x14, 0x14, 1, 0}, {0x15, 0x15, 3, 0},
    {0x17, 0x18, 3, 0}, {0x19, 0x1a, 1, 0}, {0x1b, 0x1b, 4, 1}, {0x1c, 0x1c, 3, 2},
    {0x1d, 0x1d, 1, 0}, {0x1f, 0x20, 8, 0}, {0x21, 0x21, 2, 0}, {0x22, 0x22, 2, 0},
    {0x23, 0x23, 4, 1}, {0x24, 0x24, 2, 0}, {0x25, 0x25, 2, 0}, {0x26, 0x26, 3, 0},
    {0x27, 0x27, 1, 0}, {0x28, 0x28, 5, 0}, {0x29, 0x29, 3, 0}, {0x2a, 0x2a, 2, 0},
    {0x2b, 0x2c, 7, 0}, {0x2d, 0x2d, 6, 0}, {0x2e, 0x2e, 2, 0}, {0x2f, 0x2f, 3, 0},
    {0x30, 0x34, 8, 0}, {0x38, 0x38, 4, 0}, {0x39, 0x39, 2, 0}, {0x3a, 0x3a, 1, 0},
    {0x3b, 0x3b, 2, 0}, {0x3c, 0x47, 8, 0}, {0x48, 0x48, 2, 1}, {0x49, 0x56, 8, 0},
    {0x57, 0x57, 1, 4}, {0x58, 0x59, 8, 0}, {0x5a, 0x5a, 4, 3}, {0x5b, 0x64, 8, 0},
    {0x65, 0x65, 8, 4}, {0x66, 0x68, 8, 0},
};

constexpr auto kSignatures = [] {
    std::array<Signature, 256> table{};
    for (const Row& row : kRows)
        for (unsigned n = row.first; n <= row.last; ++n)
            table[n] = {row.arguments, row.outputs, true};
    return table;
}();

bool reserved_is_zero(const Signature& signature, const std::array<std::uint64_t, 8>& in)
{
    return signature.arguments >= in.size() || in[signature.arguments] == 0;
}

}  // namespace

bool Hypercalls::is_immediate(std::uint16_t immediate) noexcept
{
    return immediate >> 8 == 0x60 && kSignatures[immediate & 0xff].exists;
}

After Hypercalls::by_immediate(Call& call, std::uint16_t immediate) noexcept
{
    Arguments in{};
    std::copy_n(call.x.begin(), in.size(), in.begin());
    const Answer out = answer(immediate & 0xff, in);
    call.x[0] = out.error;
    std::copy(out.output.begin(), out.output.end(), call.x.begin() + 1);
    std::fill(call.x.begin() + 5, call.x.begin() + 8, 0);
    call.x[9] = call.return_address;
    std::fill(call.x.begin() + 10, call.x.end(), 0);
    return After::GoOn;
}

After Hypercalls::by_function(Call& call, unsigned number) noexcept
{
    if (!kSignatures[number].exists) {
        call.x[0] = kNotSupported;
        return After::GoOn;
    }
    Arguments in{};
    std::copy_n(call.x.begin() + 1, in.size() - 1, in.begin());
    const Answer out = answer(number, in);
    call.x[0] = out.error;
    std::copy_n(out.output.begin(), kSignatures[number].outputs, call.x.begin() + 1);
    return After::GoOn;
}

Hypercalls::Answer Hypercalls::answer(unsigned number, const Arguments& in) noexcept
{
    if (!reserved_is_zero(kSignatures[number], in))
        return {kArgumentInvalid};
    switch (number) {
    case HYPERVISOR_IDENTIFY: return identify();
    case PRNG_GET_ENTROPY: return entropy(in[0]);
    case SCHEDULER_YIELD: return yield(in);
    default: break;
    }
    if (in[0] >= kCapEnd)
        return {kArgumentInvalid};
    if (in[0] >= doorbells_.size())
        return {kCapNull};
    return doorbell(number, in);
}

/// identify has no error: its first result is in x0.
Hypercalls::Answer Hypercalls::identify() const noexcept
{
    return {kApiInfo, {kFlags0, 0, 0, 0}};
}

Hypercalls::Answer Hypercalls::entropy(std::uint64_t bytes) const noexcept
{
    Answer out;
    if (bytes == 0 || bytes > 16)
        return {kArgumentSize};
    if (bytes % 4 != 0)
        return {kArgumentAlignment};
    for (unsigned n = 0; n < bytes / 4; ++n)
        out.output[n] = bits(random_word(), 0, 32);
    return out;
}

/// Every vCPU has a host thread of its own, so there is nobody to yield to in here.
Hypercalls::Answer Hypercalls::yield(const Arguments& in) const noexcept
{
    if (in[0] > 2)
        return {kArgumentInvalid};
    return {in[0] == kYieldTo ? kCapNull : kOk};
}

Hypercalls::Answer Hypercalls::doorbell(unsigned number, const Arguments& in) noexcept
{
    Doorbell& bell = doorbells_[in[0]];
    switch (number) {
    case DOORBELL_RECEIVE:
        if (in[1] == 0)
            return {kArgumentInvalid};
        return {kOk, {bell.receive(in[1])}};
    case DOORBELL_RESET: bell.reset(); return {kOk};
    case DOORBELL_MASK: bell.mask(in[1], in[2]); return {kOk};
    case DOORBELL_SEND: return {kCapRights};  // the owner's end
    default: return {kCapWrongType};
    }
}

}  // namespace gh::hyp
