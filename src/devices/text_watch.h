// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace gh {

/// Looks for a text in a stream of bytes, each looked at as it comes (Knuth, Morris and Pratt): a
/// byte costs the same on average whatever the guest prints, and none is kept.
class TextWatch {
public:
    /// `text` is not empty.
    explicit TextWatch(std::string text);

    /// True if the text ends with this byte.
    [[nodiscard]] bool feed(std::uint8_t byte) noexcept;

private:
    std::string text_;
    std::vector<std::size_t> shorter_;  // of the first n bytes: the longest end that is a start
    std::size_t matched_ = 0;
};

}  // namespace gh
