// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/arguments.h"

#include "emulator/gdb/packet.h"

namespace gh::gdb {

bool take(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

std::string hex_number(std::uint64_t value)
{
    std::string text;
    do {
        text.insert(text.begin(), "0123456789abcdef"[value & 0xf]);
        value >>= 4;
    } while (value != 0);
    return text;
}

std::string thread_of(unsigned vcpu)
{
    return hex_number(vcpu + 1);
}

std::optional<Range> take_range(std::string_view& text)
{
    const auto address = take_number(text);
    if (!address || !take(text, ","))
        return std::nullopt;
    const auto length = take_number(text);
    if (!length)
        return std::nullopt;
    return Range{*address, *length};
}

std::optional<unsigned> take_vcpu(std::string_view& text, unsigned vcpus, unsigned present)
{
    const auto thread = take_number(text);
    if (!thread || *thread > vcpus)
        return std::nullopt;
    return *thread == 0 ? present : static_cast<unsigned>(*thread - 1);
}

}  // namespace gh::gdb
