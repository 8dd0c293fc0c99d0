// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/node.h"

#include "base/error.h"

#include <algorithm>

#include <libfdt.h>

namespace gh::fdt {
namespace {

constexpr int kMaxDepth = 64;

void append_cell(std::vector<std::byte>& to, std::uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        to.push_back(static_cast<std::byte>(value >> shift & 0xff));
}

void append_text(std::vector<std::byte>& to, std::string_view text)
{
    for (const char c : text)
        to.push_back(static_cast<std::byte>(c));
    to.push_back(std::byte{0});
}

void check(int error, const std::string& what)
{
    if (error != 0)
        throw Error("devicetree: " + what + ": " + fdt_strerror(error));
}

Node read_node(const View& view, Offset at, int depth)
{
    if (depth > kMaxDepth)
        throw Error("devicetree: " + view.path(at) + " is nested too deeply");
    Node node{std::string(view.name(at))};
    view.each_property(at, [&](std::string_view name, Bytes value) { node.set(name, value); });
    for (const Offset child : view.children(at))
        node.add(read_node(view, child, depth + 1));
    return node;
}

std::size_t measure(const Node& node)
{
    std::size_t size = node.name().size() + 16;
    for (const auto& property : node.properties())
        size += property.value.size() + 2 * property.name.size() + 20;
    for (const auto& child : node.children())
        size += measure(child);
    return size;
}

void write_node(void* blob, const Node& node)
{
    check(fdt_begin_node(blob, node.name().c_str()), "node " + node.name());
    for (const auto& [name, value] : node.properties())
        check(fdt_property(blob, name.c_str(), value.data(), static_cast<int>(value.size())),
              "property " + name);
    for (const auto& child : node.children())
        write_node(blob, child);
    check(fdt_end_node(blob), "node " + node.name());
}

}  // namespace

Node* Node::find_child(std::string_view name)
{
    const auto it = std::find_if(children_.begin(), children_.end(),
                                 [name](const Node& node) { return node.name_ == name; });
    return it == children_.end() ? nullptr : &*it;
}

Node& Node::child(std::string_view name)
{
    if (Node* there = find_child(name))
        return *there;
    return children_.emplace_back(std::string(name));
}

void Node::add(Node child)
{
    children_.push_back(std::move(child));
}

void Node::remove_child(std::string_view name)
{
    std::erase_if(children_, [name](const Node& node) { return node.name_ == name; });
}

const Node::Property* Node::property(std::string_view name) const
{
    const auto it =
        std::find_if(properties_.begin(), properties_.end(),
                     [name](const Property& property) { return property.name == name; });
    return it == properties_.end() ? nullptr : &*it;
}

Node& Node::set(std::string_view name, Bytes value)
{
    std::vector<std::byte> bytes(value.begin(), value.end());
    for (auto& property : properties_)
        if (property.name == name) {
            property.value = std::move(bytes);
            return *this;
        }
    properties_.push_back({std::string(name), std::move(bytes)});
    return *this;
}

Node& Node::set_text(std::string_view name, std::string_view text)
{
    return set_texts(name, {std::string(text)});
}

Node& Node::set_texts(std::string_view name, const std::vector<std::string>& texts)
{
    std::vector<std::byte> value;
    for (const auto& text : texts)
        append_text(value, text);
    return set(name, value);
}

Node& Node::set_cells(std::string_view name, const std::vector<std::uint32_t>& cells)
{
    std::vector<std::byte> value;
    for (const auto cell : cells)
        append_cell(value, cell);
    return set(name, value);
}

Node& Node::set_u64s(std::string_view name, const std::vector<std::uint64_t>& numbers)
{
    std::vector<std::byte> value;
    for (const auto number : numbers) {
        append_cell(value, static_cast<std::uint32_t>(number >> 32));
        append_cell(value, static_cast<std::uint32_t>(number));
    }
    return set(name, value);
}

void Node::remove(std::string_view name)
{
    std::erase_if(properties_, [name](const Property& property) { return property.name == name; });
}

Node unflatten(const View& view)
{
    return read_node(view, view.root(), 0);
}

std::vector<std::byte> flatten(const Node& root, const std::vector<View::Reservation>& reservations)
{
    std::vector<std::byte> blob(measure(root) + 16 * reservations.size() + 256);
    check(fdt_create(blob.data(), static_cast<int>(blob.size())), "create");
    for (const auto& [address, size] : reservations)
        check(fdt_add_reservemap_entry(blob.data(), address, size), "reserve map");
    check(fdt_finish_reservemap(blob.data()), "reserve map");
    write_node(blob.data(), root);
    check(fdt_finish(blob.data()), "finish");
    check(fdt_pack(blob.data()), "pack");
    blob.resize(fdt_totalsize(blob.data()));
    return blob;
}

}  // namespace gh::fdt
