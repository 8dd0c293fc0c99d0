// SPDX-License-Identifier: BSD-3-Clause
// What a person needs to find the template that is wrong.
#include "base/formatted.h"
#include "emulator/cpu/decode.h"
#include "emulator/cpu/state_members.h"
#include "emulator/jit/lockstep.h"

#include <array>
#include <cinttypes>

namespace gh::jit {
namespace {

std::string value_line(const std::string& name, std::uint64_t before, std::uint64_t expected,
                       std::uint64_t found)
{
    if (expected == found)
        return {};
    return formatted("\n  %-10s before %016" PRIx64 "  T0 %016" PRIx64 "  T1 %016" PRIx64,
                     name.c_str(), before, expected, found);
}

std::string registers(const Difference& d)
{
    std::string text;
    for (unsigned n = 0; n < d.before.x.size(); ++n)
        text += value_line("x" + std::to_string(n), d.before.x[n], d.expected.x[n], d.found.x[n]);
    for (unsigned n = 0; n < d.before.v.size(); ++n)
        for (const unsigned half : {0u, 1u})
            text +=
                value_line("v" + std::to_string(n) + (half == 0 ? ".low" : ".high"),
                           d.before.v[n].d[half], d.expected.v[n].d[half], d.found.v[n].d[half]);
    for (const cpu::StateMember& member : cpu::kStateMembers)
        text += value_line(member.name, value_of(d.before, member), value_of(d.expected, member),
                           value_of(d.found, member));
    return text;
}

std::string memory(const Difference& d)
{
    std::string text;
    for (const auto& stored : d.stored)
        for (std::size_t i = 0; i < stored.size; ++i)
            if (stored.host[i] != stored.after[i])
                text += formatted("\n  [%" PRIx64 "] before %02x  T0 %02x  T1 %02x", stored.va + i,
                                  static_cast<unsigned>(stored.before[i]),
                                  static_cast<unsigned>(stored.after[i]),
                                  static_cast<unsigned>(stored.host[i]));
    return text;
}

std::string instructions(std::span<const Item> items)
{
    std::string text;
    for (const Item& item : items) {
        const cpu::Encoding* const encoding = cpu::find_encoding(item.word);
        text += formatted("\n  %016" PRIx64 "  %08x  %s%s", item.va, item.word,
                          encoding != nullptr ? encoding->name : "UNDEFINED",
                          item.row.emit != nullptr ? "" : " (handler)");
    }
    return text;
}

}  // namespace

std::string describe(const Difference& d)
{
    return formatted("translated code at %016" PRIx64 ", EL%u, differs from the interpreter",
                     d.items.front().va, d.before.el) +
           instructions(d.items) + registers(d) + memory(d) +
           (d.monitor ? "\n  the exclusive monitor differs" : "");
}

}  // namespace gh::jit
