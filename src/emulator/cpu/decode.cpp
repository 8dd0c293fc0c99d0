// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/decode.h"

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <vector>

namespace gh::cpu {
namespace {

consteval std::uint32_t fixed_bits(std::string_view bits, std::string_view wanted)
{
    std::uint32_t result = 0;
    for (const char c : bits)
        result = result << 1 | (wanted.find(c) != std::string_view::npos ? 1u : 0u);
    return result;
}

consteval bool is_base(std::string_view feature)
{
    constexpr std::array<std::string_view, 6> kBase{"BASE", "SB", "FLAGM", "CRC32", "LSE", "LRCPC"};
    return std::find(kBase.begin(), kBase.end(), feature) != kBase.end();
}

#define INST(name, bits, feature)    \
    Encoding{#name,                  \
             bits,                   \
             #feature,               \
             fixed_bits(bits, "01"), \
             fixed_bits(bits, "1"),  \
             name,                   \
             !is_base(#feature)},
// A plain array: clang counts std::array's deduction from 600 elements as too deep.
constexpr Encoding kEncodings[] = {
#include "emulator/cpu/encodings/base.inc"
#include "emulator/cpu/encodings/simd.inc"
};
#undef INST

/// Rows by the top eleven bits of the word, most specific row first.
class Buckets {
public:
    Buckets()
    {
        for (std::uint32_t index = 0; index < heads_.size(); ++index) {
            heads_.at(index) = static_cast<std::uint16_t>(rows_.size());
            fill(index);
            rows_.push_back(nullptr);
        }
    }

    const Encoding* find(std::uint32_t word) const noexcept
    {
        const Encoding* const* row = &rows_[heads_[word >> kShift]];
        while (*row != nullptr && (word & (*row)->mask) != (*row)->match)
            ++row;
        return *row;
    }

private:
    static constexpr unsigned kShift = 21;

    void fill(std::uint32_t index)
    {
        const auto first = static_cast<std::ptrdiff_t>(rows_.size());
        for (const Encoding& row : kEncodings)
            if (((row.match ^ index << kShift) & row.mask) >> kShift == 0)
                rows_.push_back(&row);
        std::stable_sort(rows_.begin() + first, rows_.end(), [](const auto* a, const auto* b) {
            return std::popcount(a->mask) > std::popcount(b->mask);
        });
    }

    std::array<std::uint16_t, 1u << (32 - kShift)> heads_{};
    std::vector<const Encoding*> rows_;
};

}  // namespace

std::span<const Encoding> encodings() noexcept
{
    return kEncodings;
}

const Encoding* find_encoding(std::uint32_t word) noexcept
{
    static const Buckets kBuckets;
    return kBuckets.find(word);
}

}  // namespace gh::cpu
