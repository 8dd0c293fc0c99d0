// SPDX-License-Identifier: BSD-3-Clause
#include "machine/symbols.h"

#include "base/bits.h"
#include "base/error.h"
#include "memory/hex.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace gh::machine {
namespace {

/// No function is longer; what is behind the last one belongs to nobody.
constexpr std::uint64_t kMostSize = 0x1'0000;
/// KASLR moves kernels by multiples of this (Linux, arch/arm64: EFI stub and early code alike).
constexpr std::uint64_t kKaslrStep = 0x1'0000;

/// Cuts the next word off.
std::string_view next_word(std::string_view& line)
{
    const auto begin = std::min(line.find_first_not_of(" \t\r"), line.size());
    const auto end = std::min(line.find_first_of(" \t\r", begin), line.size());
    const auto word = line.substr(begin, end - begin);
    line.remove_prefix(end);
    return word;
}

bool is_text(std::string_view type)
{
    return type == "t" || type == "T" || type == "w" || type == "W";
}

}  // namespace

Symbols::Symbols(std::string_view text, const std::string& name)
{
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const auto number = next_word(line);
        const auto type = next_word(line);
        const auto symbol = next_word(line);
        std::uint64_t address = 0;
        const auto [rest, error] =
            std::from_chars(number.data(), number.data() + number.size(), address, 16);
        // Behind the name kallsyms has a module's; "$x" marks code among data.
        if (error != std::errc{} || rest != number.data() + number.size() || !is_text(type) ||
            symbol.empty() || symbol.front() == '$' || !next_word(line).empty())
            continue;
        if (symbol == "vectors")
            vectors_ = address;
        all_.push_back({address, std::string(symbol)});
    }
    std::stable_sort(all_.begin(), all_.end(),
                     [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
    if (all_.empty())
        throw Error(name +
                    " lists no function; what nm, System.map or /proc/kallsyms print is "
                    "understood");
    if (all_.back().address == 0)
        throw Error("all addresses in " + name + " are 0: copy /proc/kallsyms as root");
}

Symbols Symbols::read(const std::string& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw_errno("open " + path);
    std::ostringstream text;
    text << file.rdbuf();
    return {text.str(), path};
}

const Symbols::Symbol* Symbols::at(std::uint64_t address) const
{
    const auto behind = std::upper_bound(
        all_.begin(), all_.end(), address,
        [](std::uint64_t wanted, const Symbol& symbol) { return wanted < symbol.address; });
    if (behind == all_.begin() || address - std::prev(behind)->address >= kMostSize)
        return nullptr;
    return &*std::prev(behind);
}

std::optional<std::string> Symbols::find(std::uint64_t address) const
{
    const Symbol* const symbol = at(address);
    if (symbol == nullptr)
        return std::nullopt;
    return address == symbol->address ? symbol->name
                                      : symbol->name + "+" + hex(address - symbol->address);
}

std::optional<std::string> Symbols::function(std::uint64_t address) const
{
    const Symbol* const symbol = at(address);
    return symbol != nullptr ? std::optional(symbol->name) : std::nullopt;
}

std::optional<std::uint64_t> Symbols::displacement(std::uint64_t vbar) const
{
    if (!vectors_ || !bit(vbar, 55) || (vbar - *vectors_) % kKaslrStep != 0)
        return std::nullopt;
    return vbar - *vectors_;
}

}  // namespace gh::machine
