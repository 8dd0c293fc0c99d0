// SPDX-License-Identifier: BSD-3-Clause
#include "config/processors.h"

#include <charconv>

namespace gh::config {
namespace {

/// The number that begins `text`, which it is taken off.
std::optional<unsigned> take_number(std::string_view& text)
{
    unsigned number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number >= kMostProcessors)
        return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return number;
}

bool take(std::string_view& text, char c)
{
    if (!text.starts_with(c))
        return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::optional<std::vector<unsigned>> parse_processors(std::string_view text)
{
    std::vector<unsigned> numbers;
    do {
        const auto first = take_number(text);
        const auto last = first && take(text, '-') ? take_number(text) : first;
        if (!first || !last || *last < *first)
            return std::nullopt;
        for (unsigned number = *first; number <= *last; ++number)
            numbers.push_back(number);
    } while (take(text, ','));
    return text.empty() ? std::optional(numbers) : std::nullopt;
}

}  // namespace gh::config
