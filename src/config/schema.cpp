// SPDX-License-Identifier: BSD-3-Clause
#include "config/schema.h"

#include "config/keys.h"
#include "config/quantity.h"
#include "config/vm.h"

#include <nlohmann/json.hpp>

namespace gh::config {
namespace {

using json = nlohmann::ordered_json;

json schema_of(const Key& key, void* object);

json text_schema(const Key& key)
{
    json result{{"type", "string"}, {"minLength", key.range.min}};
    if (key.range.max != Range{}.max)
        result["maxLength"] = key.range.max;
    result["pattern"] = R"(^[^\u0000-\u001f\u007f]*$)";
    return result;
}

json integer_schema(const Range& range)
{
    json result{{"type", "integer"}, {"minimum", range.min}, {"maximum", range.max}};
    if (range.step > 1)
        result["multipleOf"] = range.step;
    return result;
}

json quantity_schema(const Key& key)
{
    return {{"anyOf",
             {integer_schema(key.range), {{"type", "string"}, {"pattern", kQuantityPattern}}}}};
}

json object_schema(const Key& key, void* object)
{
    json result{{"type", "object"}, {"properties", json::object()}};
    for (const Key& member : key.members) {
        result["properties"][std::string(member.name)] = schema_of(member, object);
        if (member.required)
            result["required"].push_back(member.name);
    }
    result["additionalProperties"] = false;
    return result;
}

json long_or_short(const Key& key, void* object)
{
    const Key* const bare = find_member(key, key.short_form);
    json whole = object_schema(key, object);
    return bare == nullptr ? whole : json{{"anyOf", {schema_of(*bare, object), whole}}};
}

json list_schema(const Key& key, void* object)
{
    const json element = schema_of(*key.element, key.slot.open(object));
    const json list{{"type", "array"}, {"items", element}, {"maxItems", key.range.max}};
    return {{"anyOf", {list, element}}};
}

json kind_schema(const Key& key, void* object)
{
    switch (key.kind) {
    case Kind::Text: return text_schema(key);
    case Kind::Path: return {{"type", "string"}, {"minLength", 1}, {"pattern", R"(^[^\u0000]+$)"}};
    case Kind::Size:
    case Kind::Address: return quantity_schema(key);
    case Kind::Number: return integer_schema(key.range);
    case Kind::Duration: return {{"type", "string"}, {"pattern", kDurationPattern}};
    case Kind::Flag: return {{"type", "boolean"}};
    case Kind::Choice:
        return {{"enum", std::vector<std::string>(key.choices.begin(), key.choices.end())}};
    case Kind::Object: return long_or_short(key, object);
    case Kind::List: return list_schema(key, object);
    }
    return {};
}

json value_json(const Key& key, const Value& value)
{
    switch (key.kind) {
    case Kind::Text:
    case Kind::Path: return value.text;
    case Kind::Size: return value.number == 0 ? json(0) : json(format_size(value.number));
    case Kind::Address: return format_address(value.number);
    case Kind::Number: return value.number;
    case Kind::Duration: return format_duration(value.number);
    case Kind::Flag: return value.number != 0;
    case Kind::Choice:
        return value.text.empty() ? std::string(key.choices[value.number]) : value.text;
    case Kind::Object:
    case Kind::List: break;
    }
    return {};
}

/// `object` is a struct that `key` is a member of, as vm.h initialises it: the source of defaults.
json schema_of(const Key& key, void* object)
{
    const bool is_inner = key.kind == Kind::Object && key.slot.open != nullptr;
    json result = kind_schema(key, is_inner ? key.slot.open(object) : object);
    if (!key.help.empty())
        result["description"] = key.help;
    if (const auto value = default_of(key, object))
        result["default"] = value_json(key, *value);
    return result;
}

}  // namespace

std::string schema()
{
    Vm defaults;
    json result{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                {"title", "gh-vmm configuration"}};
    result.update(schema_of(root_key(), &defaults));
    return result.dump(2) + "\n";
}

}  // namespace gh::config
