// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The one table of what a configuration may say. The reader, the JSON Schema, the suggestions and
/// the check of the manual page all come from it: a new key is one row in keys.cpp or
/// a ..._keys.h beside it, and one line in gh-vmm.json(5).
namespace gh::config {

enum class Kind { Text, Path, Size, Address, Number, Duration, Flag, Choice, Object, List };

/// A value on its way between the text and a struct: numbers, durations (milliseconds), flags (0,
/// 1) and choices (their index) in `number`; texts, paths and the words of choices in `text`.
struct Value {
    std::uint64_t number = 0;
    std::string text;
};

/// Where the value lives, given the struct that it belongs to. Which of these are set depends on
/// the kind; a key with none ("$schema") is accepted and ignored.
struct Slot {
    void (*store)(void* object, const Value& value) = nullptr;
    std::optional<Value> (*load)(const void* object) = nullptr;  // nothing: no value, no default
    void* (*open)(void* object) = nullptr;  // Object: the struct; List: a new last element
    void (*clear)(void* object) = nullptr;  // List
};

/// What a number may be, both ends included; of a text: how many bytes; of a list: how many values.
struct Range {
    std::uint64_t min = 0;
    std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t step = 1;
};

/// What must hold for the file that a path names, before anything is started.
enum class FileUse { None, Read, ReadWrite };

struct Key {
    std::string_view name{};
    Kind kind = Kind::Text;
    Slot slot{};
    std::string_view help{};
    bool required = false;
    Range range{};
    std::string_view note{};  // why the range is what it is
    std::span<const std::string_view> choices{};
    std::span<const std::string_view> also{};  // what other programs call it; for suggestions
    FileUse file = FileUse::None;
    std::span<const Key> members{};  // Object
    std::string_view short_form{};   // Object: a bare value stands for this member
    const Key* element = nullptr;    // List; a list of one may do without its brackets
};

/// The whole file: an Object whose slots work on a config::Vm.
[[nodiscard]] const Key& root_key();

/// The member of this name, or nullptr.
[[nodiscard]] const Key* find_member(const Key& object, std::string_view name);

/// What the member has without the key: what `object`, the struct as vm.h initialises it, says.
/// Nothing for a key that must be there, or whose absence means something that it cannot say.
[[nodiscard]] std::optional<Value> default_of(const Key& key, const void* object);

/// What the value should have been: "a size from 2MiB to 8GiB in steps of 4KiB, such as ...".
[[nodiscard]] std::string expected(const Key& key);

/// Gunyah's guest addresses are 36 bits wide; below 1 GiB is the window of devices, at 1 GiB the
/// hypervisor's info page, and the Resource Manager aligns a VM's memory to 2 MiB.
inline constexpr std::uint64_t kAddressEnd = 1ull << 36;
inline constexpr std::uint64_t kLowestRegion = 0x4000'1000;
inline constexpr std::uint64_t kLowestRam = 0x4020'0000;
inline constexpr std::uint64_t kPage = 4096;
inline constexpr std::uint64_t kMebibyte = 1ull << 20;
inline constexpr std::uint64_t kBlock = 2ull << 20;

}  // namespace gh::config
