// SPDX-License-Identifier: BSD-3-Clause
#include "config/scalar.h"

#include "base/bits.h"
#include "config/quantity.h"
#include "config/suggest.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace gh::config {
namespace {

using Type = Node::Type;

bool is_bare(const Node& node)
{
    return node.type != Type::Object && node.type != Type::List;
}

/// A value given by --set came without quotes: `--set name=7` names the VM "7".
bool is_text(const Node& node)
{
    return node.type == Type::Text || (!node.place.option.empty() && is_bare(node));
}

bool is_in(const Range& range, std::uint64_t number)
{
    return number >= range.min && number <= range.max && number % range.step == 0;
}

bool is_printable(std::string_view text)
{
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Reading read_text(const Key& key, const Node& node)
{
    if (!is_text(node))
        return {std::nullopt, is_bare(node) ? in_quotes(node.text) : ""};
    if (!is_in(key.range, node.text.size()) || !is_printable(node.text))
        return {};
    return {Value{0, node.text}, {}};
}

Reading read_path(const Node& node)
{
    const bool is_path =
        is_text(node) && !node.text.empty() && node.text.find('\0') == std::string::npos;
    return is_path ? Reading{Value{0, node.text}, {}} : Reading{};
}

Reading read_flag(const Node& node)
{
    if (node.type == Type::Boolean)
        return {Value{node.text == "true" ? 1u : 0u, {}}, {}};
    static constexpr std::array<std::string_view, 10> kWords{"true",  "yes", "on",  "y", "1",
                                                             "false", "no",  "off", "n", "0"};
    const auto* const found = std::find(kWords.begin(), kWords.end(), node.text);
    if (found == kWords.end() || !is_bare(node))
        return {};
    return {std::nullopt, found - kWords.begin() < 5 ? "true" : "false"};
}

Reading read_choice(const Key& key, const Node& node)
{
    if (!is_text(node))
        return {};
    const auto found = std::find(key.choices.begin(), key.choices.end(), node.text);
    if (found != key.choices.end())
        return {Value{static_cast<std::uint64_t>(found - key.choices.begin()), node.text}, {}};
    const auto near = nearest(node.text, key.choices);
    return {std::nullopt, near.empty() ? "" : in_quotes(near)};
}

Reading read_number(const Key& key, const Node& node)
{
    if (node.type == Type::Integer && is_in(key.range, node.integer))
        return {Value{node.integer, {}}, {}};
    std::uint64_t number = 0;
    const char* const end = node.text.data() + node.text.size();
    const auto result = std::from_chars(node.text.data(), end, number);
    const bool meant = node.type == Type::Text && result.ec == std::errc{} && result.ptr == end &&
                       is_in(key.range, number);
    return {std::nullopt, meant ? std::to_string(number) : ""};
}

/// The nearest number that the range allows; nothing if `wanted` lies outside it.
std::optional<std::uint64_t> rounded(const Key& key, std::uint64_t wanted)
{
    if (wanted < key.range.min || wanted > key.range.max)
        return std::nullopt;
    const std::uint64_t down = align_down(wanted, key.range.step);
    const std::uint64_t up = align_up(wanted, key.range.step);
    const std::uint64_t near = key.kind == Kind::Size ? up : down;
    return is_in(key.range, near) ? std::optional(near) : std::nullopt;
}

/// What somebody meant who wrote a size or an address that is none: another unit, a text without
/// "0x", a number of mebibytes, a number that is not aligned.
std::string guess_for(const Key& key, const Node& node)
{
    const bool is_size = key.kind == Kind::Size;
    const std::string text = is_size ? node.text : "0x" + node.text;
    for (const auto guess : {guess_quantity(node.text, 1), guess_quantity(text, kMebibyte)})
        if (const auto near = guess ? rounded(key, *guess) : std::nullopt)
            return in_quotes(is_size ? format_size(*near) : format_address(*near));
    return {};
}

Reading read_quantity(const Key& key, const Node& node)
{
    std::optional<std::uint64_t> number;
    if (node.type == Type::Integer)
        number = node.integer;
    else if (node.type == Type::Text)
        number = parse_quantity(node.text);
    if (number && is_in(key.range, *number))
        return {Value{*number, {}}, {}};
    return {std::nullopt, is_bare(node) ? guess_for(key, node) : ""};
}

Reading read_duration(const Key& key, const Node& node)
{
    const auto time = node.type == Type::Text ? parse_duration(node.text) : std::nullopt;
    if (time && is_in(key.range, *time))
        return {Value{*time, {}}, {}};
    const auto guess = is_bare(node) ? guess_duration(node.text) : std::nullopt;
    return {std::nullopt,
            guess && is_in(key.range, *guess) ? in_quotes(format_duration(*guess)) : ""};
}

}  // namespace

Reading read_scalar(const Key& key, const Node& node)
{
    switch (key.kind) {
    case Kind::Text: return read_text(key, node);
    case Kind::Path: return read_path(node);
    case Kind::Size:
    case Kind::Address: return read_quantity(key, node);
    case Kind::Number: return read_number(key, node);
    case Kind::Duration: return read_duration(key, node);
    case Kind::Flag: return read_flag(node);
    case Kind::Choice: return read_choice(key, node);
    case Kind::Object:
    case Kind::List: break;
    }
    return {};
}

}  // namespace gh::config
