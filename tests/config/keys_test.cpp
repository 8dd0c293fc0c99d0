// SPDX-License-Identifier: BSD-3-Clause
#include "config/keys.h"

#include "config/parse.h"
#include "config/quantity.h"

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <doctest/doctest.h>

using namespace gh::config;

namespace {

std::filesystem::path repository()
{
    return std::filesystem::path(__FILE__).parent_path() / "../..";
}

std::string text_of(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::string kind_name(Kind kind)
{
    constexpr const char* kNames[] = {"text",     "path", "size",   "address", "number",
                                      "duration", "flag", "choice", "object",  "list"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string default_text(const Key& key, const Value& value)
{
    switch (key.kind) {
    case Kind::Size: return format_size(value.number);
    case Kind::Address: return format_address(value.number);
    case Kind::Number: return std::to_string(value.number);
    case Kind::Duration: return format_duration(value.number);
    case Kind::Flag: return value.number != 0 ? "true" : "false";
    case Kind::Choice:
        return value.text.empty() ? std::string(key.choices[value.number]) : value.text;
    default: return value.text;
    }
}

std::string remark(const Key& key, const void* object)
{
    if (key.required)
        return ", required";
    const auto value = default_of(key, object);
    return value ? ", default " + default_text(key, *value) : "";
}

/// The line that the manual has for every key: ".It Va memory.size No (size, default 512MiB)".
void collect_lines(const Key& key, const std::string& path, void* object,
                   std::set<std::string>& lines)
{
    const bool is_named_element = key.name.empty() && key.kind == Kind::Object;
    if (!path.empty() && !is_named_element)
        lines.insert(".It Va " + path + " No (" + kind_name(key.kind) + remark(key, object) + ")");
    if (key.kind == Kind::List)
        return collect_lines(*key.element, path + ".N", key.slot.open(object), lines);
    void* const inner =
        key.kind == Kind::Object && key.slot.open != nullptr ? key.slot.open(object) : object;
    for (const Key& member : key.members)
        collect_lines(member, (path.empty() ? "" : path + ".") + std::string(member.name), inner,
                      lines);
}

}  // namespace

TEST_CASE("the manual lists every key with its kind and default, and no other")
{
    Vm vm;
    std::set<std::string> expected_lines;
    collect_lines(root_key(), "", &vm, expected_lines);
    std::set<std::string> lines;
    std::istringstream manual(text_of(repository() / "man/gh-vmm.json.5"));
    for (std::string line; std::getline(manual, line);)
        if (line.starts_with(".It Va "))
            lines.insert(line);
    REQUIRE(!expected_lines.empty());
    for (const auto& line : expected_lines)
        CHECK_MESSAGE(lines.contains(line), "not in the manual: " << line);
    for (const auto& line : lines)
        CHECK_MESSAGE(expected_lines.contains(line), "not in the table: " << line);
}

TEST_CASE("every example is a good configuration where its files exist")
{
    unsigned examples = 0;
    for (const auto& entry : std::filesystem::directory_iterator(repository() / "configs")) {
        if (entry.path().extension() != ".json")
            continue;
        CAPTURE(entry.path().string());
        const Vm vm = load(entry.path().string(), {}, Files::Trust);
        CHECK(vm.name == entry.path().stem());
        ++examples;
    }
    CHECK(examples >= 4);
}

TEST_CASE("an object's short form is one of its members")
{
    for (const Key& key : root_key().members)
        if (!key.short_form.empty())
            CHECK(find_member(key, key.short_form) != nullptr);
}
