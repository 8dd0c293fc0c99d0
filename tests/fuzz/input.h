// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gh::test {

/// A fuzzer's input as numbers, and zeros for ever after it.
class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : left_(bytes) {}
    [[nodiscard]] bool used_up() const noexcept { return left_.empty(); }

    /// Little-endian, of so many bytes.
    std::uint64_t number(unsigned bytes)
    {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bytes && !left_.empty(); ++i) {
            value |= std::uint64_t{left_.front()} << 8 * i;
            left_ = left_.subspan(1);
        }
        return value;
    }

private:
    std::span<const std::uint8_t> left_;
};

}  // namespace gh::test
