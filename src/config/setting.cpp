// SPDX-License-Identifier: BSD-3-Clause
#include "config/setting.h"

#include "config/keys.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace gh::config {
namespace {

/// One --set on its way to where it belongs.
struct Setting {
    std::string path;
    std::string value;
    Place place;
};

Node make_node(Node::Type type, const Place& place)
{
    Node node;
    node.type = type;
    node.place = place;
    return node;
}

void set_places(Node& node, const Place& place)
{
    node.place = place;
    for (Member& member : node.members) {
        member.place = place;
        set_places(member.value, place);
    }
    for (Node& item : node.items)
        set_places(item, place);
}

/// A value that is no JSON is a text.
Node value_node(const Setting& setting)
{
    Complaints ignored{""};
    auto parsed = parse_document(setting.value, ignored);
    Node node = parsed ? std::move(*parsed) : make_node(Node::Type::Text, setting.place);
    if (!parsed)
        node.text = setting.value;
    set_places(node, setting.place);
    return node;
}

Node& member_named(Node& object, std::string_view name, const Place& place)
{
    if (Node* const found = object.find(name))
        return *found;
    const Node fresh = make_node(Node::Type::Object, place);
    return object.members.emplace_back(Member{std::string(name), place, fresh}).value;
}

/// Makes `node` what a path can go into: "1GiB" under memory becomes {"size": "1GiB"}, a value
/// under serial becomes a list of it.
void make_long(Node& node, const Key& key)
{
    const bool is_bare = node.type != Node::Type::Object && node.type != Node::Type::List;
    if (key.kind == Kind::List && node.type != Node::Type::List) {
        Node list = make_node(Node::Type::List, node.place);
        if (is_bare || !node.members.empty())
            list.items.push_back(std::move(node));
        node = std::move(list);
    } else if (key.kind == Kind::Object && is_bare && !key.short_form.empty()) {
        Node object = make_node(Node::Type::Object, node.place);
        object.members.push_back({std::string(key.short_form), node.place, std::move(node)});
        node = std::move(object);
    }
}

/// The element of that number; the next after the last is made. Nothing for any other word.
Node* item_named(Node& list, std::string_view name, const Place& place)
{
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
    if (error != std::errc{} || end != name.data() + name.size() || index > list.items.size())
        return nullptr;
    if (index == list.items.size())
        list.items.push_back(make_node(Node::Type::Object, place));
    return &list.items[index];
}

void erase(Node& node, std::string_view name)
{
    const auto is_named = [name](const Member& member) { return member.name == name; };
    node.members.erase(std::remove_if(node.members.begin(), node.members.end(), is_named),
                       node.members.end());
}

/// Goes one name further down. Nothing if there is nowhere to go: a complaint was made.
Node* step(Node& node, std::string_view name, const Setting& setting, Complaints& complaints)
{
    if (node.type == Node::Type::Object)
        return &member_named(node, name, setting.place);
    Node* const item =
        node.type == Node::Type::List ? item_named(node, name, setting.place) : nullptr;
    if (item == nullptr)
        complaints.add(setting.place, setting.path,
                       "got " + in_quotes(name) + " in the path; expected " +
                           (node.type == Node::Type::List
                                ? "a number from 0 to " + std::to_string(node.items.size())
                                : "no more names, " + describe(node) + " has no parts"));
    return item;
}

void apply(Node& root, const Setting& setting, Complaints& complaints)
{
    Node* node = &root;
    const Key* key = &root_key();
    std::string_view rest = setting.path;
    while (node != nullptr) {
        const auto dot = rest.find('.');
        const auto name = rest.substr(0, dot);
        if (key != nullptr)
            make_long(*node, *key);
        if (dot == std::string_view::npos && setting.value.empty() &&
            node->type == Node::Type::Object)
            return erase(*node, name);
        node = step(*node, name, setting, complaints);
        if (key != nullptr)
            key = key->kind == Kind::List ? key->element : find_member(*key, name);
        if (dot == std::string_view::npos)
            break;
        rest.remove_prefix(dot + 1);
    }
    if (node != nullptr)
        *node = value_node(setting);
}

}  // namespace

void apply_setting(Node& root, const std::string& setting, Complaints& complaints)
{
    const auto equals = setting.find('=');
    const Place place{.option = "--set " + setting};
    if (equals == std::string::npos || equals == 0)
        return complaints.add(place, "",
                              "got no key and value; expected KEY=VALUE, such as memory.size=2GiB");
    apply(root, {setting.substr(0, equals), setting.substr(equals + 1), place}, complaints);
}

}  // namespace gh::config
