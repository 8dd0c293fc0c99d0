// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

namespace gh {

/// The identification registers at the end of each PrimeCell's 4 KiB, by which Linux's AMBA bus
/// finds the driver: PeriphID0..3, then PCellID0..3, a byte in each word.
class PrimeCellId {
public:
    static constexpr std::uint64_t kFirst = 0xfe0;

    /// `part`: 12 bits, such as 0x031; Arm's designer code 0x41 goes with it. `revision`: 4 bits.
    constexpr explicit PrimeCellId(unsigned part, unsigned revision)
        : bytes_{static_cast<std::uint8_t>(part),
                 static_cast<std::uint8_t>(part >> 8 | 0x10),
                 static_cast<std::uint8_t>(0x04 | revision << 4),
                 0,
                 0x0d,
                 0xf0,
                 0x05,
                 0xb1}
    {
    }

    /// What a register reads as; 0 where none of these is.
    [[nodiscard]] constexpr std::uint8_t at(std::uint64_t offset) const noexcept
    {
        const std::uint64_t index = (offset - kFirst) / 4;
        return offset >= kFirst && index < bytes_.size() ? bytes_[index] : 0;
    }

private:
    std::array<std::uint8_t, 8> bytes_;
};

}  // namespace gh
