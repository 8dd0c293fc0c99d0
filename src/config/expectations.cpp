// SPDX-License-Identifier: BSD-3-Clause
// What a complaint says was expected of a key.
#include "config/keys.h"
#include "config/quantity.h"

#include <limits>

namespace gh::config {
namespace {

std::string either(std::span<const std::string_view> words)
{
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i)
        text += (i == 0                  ? "\""
                 : i + 1 == words.size() ? " or \""
                                         : ", \"") +
                std::string(words[i]) + "\"";
    return text;
}

template <class Format>
std::string bounds(const Range& range, Format format)
{
    const bool open = range.max == std::numeric_limits<std::uint64_t>::max();
    std::string text = " from " + format(range.min) + (open ? " up" : " to " + format(range.max));
    if (range.step > 1)
        text += " in steps of " + format_size(range.step);
    return text;
}

std::string expected_kind(const Key& key)
{
    switch (key.kind) {
    case Kind::Text:
        return "a text of " + std::to_string(key.range.min) + " to " +
               std::to_string(key.range.max) + " printable characters";
    case Kind::Path: return key.file == FileUse::None ? "a path" : "the path of a file";
    case Kind::Size:
        return "a size" + bounds(key.range, format_size) + ", as an integer or such as \"512MiB\"";
    case Kind::Address:
        return "an address" + bounds(key.range, format_address) +
               ", as an integer or such as \"0x80000000\"";
    case Kind::Number:
        return "an integer" +
               bounds(key.range, [](std::uint64_t number) { return std::to_string(number); });
    case Kind::Duration:
        return "a duration" + bounds(key.range, format_duration) + ", such as \"30s\"";
    case Kind::Flag: return "true or false";
    case Kind::Choice: return either(key.choices);
    case Kind::Object:
        if (const Key* bare = find_member(key, key.short_form))
            return expected_kind(*bare) + ", or an object";
        return "an object";
    case Kind::List:
        return "a list of at most " + std::to_string(key.range.max) + " values, each " +
               expected_kind(*key.element);
    }
    return {};
}

}  // namespace

std::string expected(const Key& key)
{
    return expected_kind(key) + (key.note.empty() ? "" : " (" + std::string(key.note) + ")");
}

}  // namespace gh::config
