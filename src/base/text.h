// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <string>

namespace gh {

/// A byte that a terminal obeys instead of showing it.
[[nodiscard]] constexpr bool is_control(char c) noexcept
{
    return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
}

/// What a guest or another program has named may not speak to the terminal: '?' stands for each
/// byte that would.
template <class Text>
void make_printable(Text& text) noexcept
{
    std::replace_if(text.begin(), text.end(), is_control, '?');
}

}  // namespace gh
