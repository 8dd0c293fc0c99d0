// SPDX-License-Identifier: BSD-3-Clause
#include "config/quantity.h"

#include <array>
#include <cctype>
#include <charconv>
#include <limits>

namespace gh::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};
constexpr std::array kUnits{
    Unit{"TiB", 1ull << 40},
    Unit{"GiB", 1ull << 30},
    Unit{"MiB", 1ull << 20},
    Unit{"KiB", 1ull << 10},
    Unit{"B", 1},
};

struct TimeUnit {
    std::string_view name;
    std::uint64_t milliseconds;
};
constexpr std::array kTimeUnits{
    TimeUnit{"h", 3'600'000},
    TimeUnit{"m", 60'000},
    TimeUnit{"s", 1000},
    TimeUnit{"ms", 1},
};
constexpr std::uint64_t kMonth = 31ull * 24 * 3'600'000;

template <class T>
struct Leading {
    T value;
    std::string_view rest;
};

/// The number at the start of `text`; nothing if there is none or it does not fit.
template <class T, class... Format>
std::optional<Leading<T>> leading_number(std::string_view text, Format... format)
{
    T value{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value, format...);
    if (error != std::errc{} || rest == text.data() || text.front() == '-')
        return std::nullopt;
    return Leading<T>{value, text.substr(static_cast<std::size_t>(rest - text.data()))};
}

std::optional<std::uint64_t> parse_hexadecimal(std::string_view digits)
{
    const auto number = digits.empty() ? std::nullopt : leading_number<std::uint64_t>(digits, 16);
    return number && number->rest.empty() ? std::optional(number->value) : std::nullopt;
}

std::string lower_without_blanks(std::string_view text)
{
    std::string result;
    for (const char c : text)
        if (c != ' ' && c != '_' && c != '\'' && c != ',')
            result += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return result;
}

/// "g", "gb", "gib" -> 1 GiB.
std::optional<std::uint64_t> guess_unit(std::string_view name)
{
    for (const auto& [unit, bytes] : kUnits) {
        const char letter = static_cast<char>(std::tolower(static_cast<unsigned char>(unit[0])));
        if (name.empty() || name.front() != letter)
            continue;
        const auto rest = name.substr(1);
        if (rest.empty() || rest == "b" || rest == "ib" || rest == "bit" || rest == "ytes")
            return bytes;
    }
    return std::nullopt;
}

/// "", "sec", "seconds" -> 1 s; "min" -> 1 min.
std::optional<std::uint64_t> guess_time_unit(std::string_view name)
{
    if (name.empty())
        return 1000;
    if (name.starts_with("ms") || name.starts_with("milli"))
        return 1;
    for (const auto& unit : kTimeUnits)
        if (name.front() == unit.name.front())
            return unit.milliseconds;
    return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_quantity(std::string_view text)
{
    if (text.starts_with("0x"))
        return parse_hexadecimal(text.substr(2));
    const auto number = text.empty() ? std::nullopt : leading_number<std::uint64_t>(text);
    if (!number)
        return std::nullopt;
    for (const auto& unit : kUnits)
        if (number->rest == unit.name &&
            number->value <= std::numeric_limits<std::uint64_t>::max() / unit.bytes)
            return number->value * unit.bytes;
    return std::nullopt;
}

std::optional<std::uint64_t> guess_quantity(std::string_view text, std::uint64_t unit)
{
    const std::string plain = lower_without_blanks(text);
    if (plain.starts_with("0x"))
        return parse_hexadecimal(std::string_view(plain).substr(2));
    const auto number = plain.empty() ? std::nullopt : leading_number<double>(plain);
    if (!number)
        return std::nullopt;
    const auto bytes = number->rest.empty() ? std::optional(unit) : guess_unit(number->rest);
    const double value = number->value * static_cast<double>(bytes.value_or(0));
    if (!(value >= 1 && value < 0x1p63))
        return std::nullopt;
    return static_cast<std::uint64_t>(value);
}

std::optional<std::uint64_t> parse_duration(std::string_view text)
{
    const auto number = text.empty() ? std::nullopt : leading_number<std::uint64_t>(text);
    if (!number)
        return std::nullopt;
    for (const auto& unit : kTimeUnits)
        if (number->rest == unit.name && number->value <= kMonth / unit.milliseconds)
            return number->value * unit.milliseconds;
    return std::nullopt;
}

std::optional<std::uint64_t> guess_duration(std::string_view text)
{
    const std::string plain = lower_without_blanks(text);
    const auto number = plain.empty() ? std::nullopt : leading_number<double>(plain);
    if (!number)
        return std::nullopt;
    const auto milliseconds = guess_time_unit(number->rest);
    const double value = number->value * static_cast<double>(milliseconds.value_or(0));
    if (!(value >= 1 && value <= static_cast<double>(kMonth)))
        return std::nullopt;
    return static_cast<std::uint64_t>(value);
}

std::string format_duration(std::uint64_t milliseconds)
{
    for (const auto& unit : kTimeUnits)
        if (milliseconds != 0 && milliseconds % unit.milliseconds == 0)
            return std::to_string(milliseconds / unit.milliseconds) + std::string(unit.name);
    return "0s";
}

std::string format_size(std::uint64_t bytes)
{
    for (const auto& unit : kUnits)
        if (bytes != 0 && bytes % unit.bytes == 0)
            return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    return "0";
}

std::string format_address(std::uint64_t address)
{
    std::array<char, 2 + 16> text{'0', 'x'};
    auto* const end = std::to_chars(text.data() + 2, text.data() + text.size(), address, 16).ptr;
    return {text.data(), end};
}

}  // namespace gh::config
