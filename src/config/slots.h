// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/keys.h"
#include "config/vm.h"

#include <optional>
#include <string>
#include <type_traits>

/// Values into structs and back, by the type of the member: what the rows of the tables of keys
/// name.
namespace gh::config {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

inline std::string access_text(const Access& access)
{
    return std::string(access.read ? "r" : "") + (access.write ? "w" : "") +
           (access.execute ? "x" : "");
}

template <class T>
void assign(T& to, const Value& value)
{
    if constexpr (kIsOptional<T>)
        assign(to.emplace(), value);
    else if constexpr (std::is_same_v<T, std::string>)
        to = value.text;
    else if constexpr (std::is_same_v<T, Access>)
        to = {value.text.find('r') != std::string::npos, value.text.find('w') != std::string::npos,
              value.text.find('x') != std::string::npos};
    else
        to = static_cast<T>(value.number);
}

template <class T>
std::optional<Value> fetch(const T& from)
{
    if constexpr (kIsOptional<T>)
        return from ? fetch(*from) : std::nullopt;
    else if constexpr (std::is_same_v<T, std::string>)
        return from.empty() ? std::nullopt : std::optional(Value{0, from});
    else if constexpr (std::is_same_v<T, Access>)
        return Value{0, access_text(from)};
    else
        return Value{static_cast<std::uint64_t>(from), {}};
}

template <auto Member>
struct Field;
template <class Struct, class T, T Struct::*Member>
struct Field<Member> {
    static T& of(void* object) { return static_cast<Struct*>(object)->*Member; }
    static const T& of(const void* object) { return static_cast<const Struct*>(object)->*Member; }
};

/// The slot of a member that holds one value.
template <auto Member>
inline constexpr Slot kValue{
    .store = [](void* object, const Value& v) { assign(Field<Member>::of(object), v); },
    .load = [](const void* object) { return fetch(Field<Member>::of(object)); },
};

/// The slot of a member that is a struct.
template <auto Member>
inline constexpr Slot kStruct{
    .open = [](void* object) -> void* { return &Field<Member>::of(object); },
};

/// The slot of a member that is a struct, or nothing.
template <auto Member>
inline constexpr Slot kOptional{
    .open = [](void* object) -> void* { return &Field<Member>::of(object).emplace(); },
};

/// The slot of a member that is a vector.
template <auto Member>
inline constexpr Slot kList{
    .open = [](void* object) -> void* { return &Field<Member>::of(object).emplace_back(); },
    .clear = [](void* object) { Field<Member>::of(object).clear(); },
};

/// The slot of a vector's element that is itself a value.
inline constexpr Slot kTextElement{
    .store = [](void* object, const Value& v) { assign(*static_cast<std::string*>(object), v); },
    .load = [](const void* object) { return fetch(*static_cast<const std::string*>(object)); },
};

}  // namespace gh::config
