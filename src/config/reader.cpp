// SPDX-License-Identifier: BSD-3-Clause
#include "config/reader.h"

#include "config/files.h"
#include "config/scalar.h"
#include "config/suggest.h"

#include <algorithm>
#include <vector>

namespace gh::config {
namespace {

std::string did_you_mean(std::string_view guess)
{
    return guess.empty() ? "" : "; did you mean " + std::string(guess) + "?";
}

/// What stands for the key elsewhere: its name or what other programs call it, here or further in.
void collect_names(const Key& key, const std::string& path,
                   std::vector<std::pair<std::string_view, std::string>>& names)
{
    names.emplace_back(key.name, path);
    for (const auto word : key.also)
        names.emplace_back(word, path);
    for (const Key& member : key.members)
        collect_names(member, inner_path(path, member.name), names);
}

/// The key that somebody meant who wrote `name` into `object`: one of its own, else one of the
/// whole file.
std::string guess_key(const Key& object, std::string_view name)
{
    for (const Key* scope : {&object, &root_key()}) {
        std::vector<std::pair<std::string_view, std::string>> names;
        for (const Key& member : scope->members)
            collect_names(member, std::string(member.name), names);
        std::vector<std::string_view> words;
        words.reserve(names.size());
        for (const auto& [word, path] : names)
            words.push_back(word);
        const auto near = nearest(name, words);
        const auto found = std::find(words.begin(), words.end(), near);
        if (found != words.end())
            return in_quotes(names[static_cast<std::size_t>(found - words.begin())].second);
    }
    return {};
}

std::string names_of(const Key& object)
{
    std::string text;
    for (const Key& member : object.members)
        if (member.slot.store != nullptr || member.slot.open != nullptr)
            text += (text.empty() ? "" : ", ") + std::string(member.name);
    return text;
}

}  // namespace

std::string inner_path(const std::string& path, std::string_view name)
{
    return path.empty() ? std::string(name) : path + "." + std::string(name);
}

void Reader::read(const Key& key, const Node& node, const std::string& path, void* object)
{
    if (key.kind == Kind::List)
        return read_list(key, node, path, object);
    if (key.kind != Kind::Object)
        return read_value(key, node, path, object);
    void* const inner = key.slot.open != nullptr ? key.slot.open(object) : object;
    const Key* const bare = find_member(key, key.short_form);
    const bool is_bare = node.type != Node::Type::Object && node.type != Node::Type::List;
    if (bare != nullptr && is_bare)
        return read_value(*bare, node, path, inner);
    read_members(key, node, path, inner);
}

void Reader::read_members(const Key& key, const Node& node, const std::string& path, void* object)
{
    if (node.type != Node::Type::Object) {
        complaints_.add(node.place, path, "got " + describe(node) + "; expected " + expected(key));
        return;
    }
    for (auto member = node.members.begin(); member != node.members.end(); ++member) {
        const auto same = [&](const Member& other) { return other.name == member->name; };
        const auto first = std::find_if(node.members.begin(), member, same);
        const Key* const inner = find_member(key, member->name);
        if (inner == nullptr)
            complain_about_key(key, *member, path);
        else if (first != member)
            complaints_.add(member->place, inner_path(path, member->name),
                            "got the key a second time; expected it once (first on line " +
                                std::to_string(first->place.line) + ")");
        else
            read(*inner, member->value, inner_path(path, member->name), object);
    }
    complain_about_missing(key, node, path);
}

void Reader::read_list(const Key& key, const Node& node, const std::string& path, void* object)
{
    key.slot.clear(object);
    if (node.type != Node::Type::List)
        return read(*key.element, node, path, key.slot.open(object));
    if (node.items.size() > key.range.max)
        complaints_.add(node.place, path, "got " + describe(node) + "; expected " + expected(key));
    for (std::size_t i = 0; i < node.items.size() && i < key.range.max; ++i)
        read(*key.element, node.items[i], inner_path(path, std::to_string(i)),
             key.slot.open(object));
}

void Reader::read_value(const Key& key, const Node& node, const std::string& path, void* object)
{
    Reading reading = read_scalar(key, node);
    if (!reading.value) {
        complaints_.add(
            node.place, path,
            "got " + describe(node) + "; expected " + expected(key) + did_you_mean(reading.guess));
        return;
    }
    if (key.kind == Kind::Path)
        reading.value->text = absolute_path(reading.value->text, source_.folder);
    if (key.kind == Kind::Path && source_.files == Files::Check)
        complain_about_file(key, node, path, reading.value->text);
    if (key.slot.store != nullptr)
        key.slot.store(object, *reading.value);
}

void Reader::complain_about_key(const Key& object, const Member& member, const std::string& path)
{
    complaints_.add(member.place, inner_path(path, shortened(member.name)),
                    "got the unknown key " + in_quotes(member.name) + "; expected one of " +
                        names_of(object) + did_you_mean(guess_key(object, member.name)));
}

void Reader::complain_about_missing(const Key& object, const Node& node, const std::string& path)
{
    for (const Key& key : object.members)
        if (key.required && node.find(key.name) == nullptr)
            complaints_.add(node.place, inner_path(path, key.name),
                            "got nothing; expected " + expected(key));
}

void Reader::complain_about_file(const Key& key, const Node& node, const std::string& path,
                                 const std::string& file)
{
    const std::string trouble = file_trouble(file, key.file);
    if (trouble.empty())
        return;
    const std::string neighbour = nearest_file(node.text, file);
    complaints_.add(node.place, path,
                    "got " + describe(node) + "; expected " + trouble +
                        did_you_mean(neighbour.empty() ? "" : in_quotes(neighbour)));
}

}  // namespace gh::config
