// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/dts.h"

#include "base/error.h"
#include "fdt/node.h"
#include "memory/hex.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gh::fdt {
namespace {

bool is_printable(std::byte byte)
{
    return byte >= std::byte{0x20} && byte < std::byte{0x7f};
}

/// Texts that end in NUL, none of them empty unless it is the only one.
bool is_text(Bytes value)
{
    if (value.empty() || value.back() != std::byte{0})
        return false;
    if (value.size() == 1)
        return false;  // one NUL is a byte, or an empty text: bytes are the safe reading
    bool after_end = true;
    for (const std::byte byte : value) {
        const bool ends = byte == std::byte{0};
        if ((ends && after_end) || (!ends && !is_printable(byte)))
            return false;
        after_end = ends;
    }
    return true;
}

std::string text_value(Bytes value)
{
    std::string out = "\"";
    for (std::size_t i = 0; i + 1 < value.size(); i++) {
        const char c = std::to_integer<char>(value[i]);
        if (c == '\0')
            out += "\", \"";
        else if (c == '"' || c == '\\')
            out += std::string("\\") + c;
        else
            out += c;
    }
    return out + "\"";
}

std::string cell_value(Bytes value)
{
    std::string out;
    for (std::size_t i = 0; i < value.size() / 4; i++)
        out += (i == 0 ? "<" : " ") + hex(cell(value, i));
    return out + ">";
}

std::string byte_value(Bytes value)
{
    std::string out;
    for (const std::byte byte : value) {
        std::array<char, 4> digits{};
        std::snprintf(digits.data(), digits.size(), "%02x", std::to_integer<unsigned>(byte));
        out += (out.empty() ? "[" : " ") + std::string(digits.data());
    }
    return out + "]";
}

std::string property_text(const Node::Property& property)
{
    if (property.value.empty())
        return property.name + ";";
    const Bytes value = property.value;
    const std::string text = is_text(value)          ? text_value(value)
                             : value.size() % 4 == 0 ? cell_value(value)
                                                     : byte_value(value);
    return property.name + " = " + text + ";";
}

void write(std::string& out, const Node& node, std::size_t depth)
{
    const std::string indent(depth, '\t');
    out += indent + (depth == 0 ? "/" : node.name()) + " {\n";
    for (const auto& property : node.properties())
        out += indent + "\t" + property_text(property) + "\n";
    for (const auto& child : node.children()) {
        if (&child != &node.children().front() || !node.properties().empty())
            out += "\n";
        write(out, child, depth + 1);
    }
    out += indent + "};\n";
}

}  // namespace

std::string to_dts(Bytes blob)
{
    std::string why;
    const auto view = View::open(blob, &why);
    if (!view)
        throw Error("not a devicetree: " + why);
    std::string out = "/dts-v1/;\n\n";
    write(out, unflatten(*view), 0);
    return out;
}

}  // namespace gh::fdt
