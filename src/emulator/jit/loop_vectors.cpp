// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/loop_vectors.h"

#include "base/bits.h"
#include "emulator/jit/templates.h"
#include "emulator/jit/vector_homes.h"
#include "emulator/jit/vector_operations.h"

#include <bit>

namespace gh::jit {
namespace {

/// Register fields of an instruction word.
constexpr unsigned kRd = 1;
constexpr unsigned kRn = 2;
constexpr unsigned kRm = 4;
constexpr unsigned kRa = 8;

/// Which of them are V registers, by DDI 0487 C4.1.96 and C4.1.97; the first row that fits counts.
struct Use {
    std::uint32_t mask;
    std::uint32_t match;
    unsigned fields;
};
constexpr Use kUses[]{
    {0x3a00'0000, 0x2800'0000, kRd | kRa},              // load/store pair (V is looked at before)
    {0x0a00'0000, 0x0800'0000, kRd},                    // other loads and stores
    {0x1f00'0000, 0x1f00'0000, kRd | kRn | kRm | kRa},  // FP, 3 sources
    {0x5f20'fc00, 0x1e20'0000, kRd | kRn},              // between FP and integers
    {0x5f20'1c00, 0x1e20'1000, kRd},                    // FP immediate
    {0x5f20'7c00, 0x1e20'4000, kRd | kRn},              // FP, 1 source
    {0x5f20'3c00, 0x1e20'2000, kRn | kRm},              // FP compare
    {0x9ff8'0400, 0x0f00'0400, kRd},                    // modified immediate
    {0x8f80'0400, 0x0f00'0400, kRd | kRn},              // shift by immediate
    {0x8fe0'8400, 0x0e00'0400, kRd | kRn},              // copy
    {0x8f3e'0c00, 0x0e20'0800, kRd | kRn},              // two-register miscellaneous
    {0x0e00'0000, 0x0e00'0000, kRd | kRn | kRm},
};

std::uint32_t used_by(std::uint32_t word)
{
    if (!bit(word, 26) || !bit(word, 27))
        return 0;  // neither SIMD and FP nor a load or store of them
    for (const Use& use : kUses) {
        if ((word & use.mask) != use.match)
            continue;
        std::uint32_t used = 0;
        for (const unsigned low : {0u, 5u, 16u, 10u})
            if (const unsigned field = low == 0    ? kRd
                                       : low == 5  ? kRn
                                       : low == 16 ? kRm
                                                   : kRa;
                (use.fields & field) != 0)
                used |= 1u << bits(word, low, 5);
        return used;
    }
    return 0;
}

}  // namespace

std::uint32_t loop_vectors(const Items& items) noexcept
{
    if (branch_target(items.back()) != items.front().va)
        return 0;
    std::uint32_t used = 0;
    for (const Item& item : items) {
        if (item.row.emit == nullptr || item.row.emit == call_quietly)
            return 0;
        used |= used_by(item.word);
    }
    return std::popcount(used) <= int(VectorHomes::kEnd - VectorHomes::kFirst) ? used : 0;
}

}  // namespace gh::jit
