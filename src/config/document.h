// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/complaints.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::config {

struct Member;

/// One JSON value that knows where it was written. Doubled keys are kept: the reader complains.
struct Node {
    enum class Type { Null, Boolean, Integer, OtherNumber, Text, Object, List };

    Type type = Type::Null;
    Place place;
    std::string text;           // Text: its characters; numbers and literals: as they were written
    std::uint64_t integer = 0;  // Integer: 0..2^64-1; any other number is an OtherNumber
    std::vector<Member> members;
    std::vector<Node> items;

    /// The last member of this name, or nullptr.
    [[nodiscard]] const Node* find(std::string_view name) const;
    [[nodiscard]] Node* find(std::string_view name);
};

struct Member {
    std::string name;
    Place place;  // of the name
    Node value;
};

/// JSON (RFC 8259), with comments as in C++, to a tree. A syntax error is one complaint, and no
/// tree.
[[nodiscard]] std::optional<Node> parse_document(std::string_view text, Complaints& complaints);

/// How a value looks in a message: "1GB" in its quotes, 17, "an object", "a list of 3 values".
[[nodiscard]] std::string describe(const Node& node);

/// Without its middle, if it is long.
[[nodiscard]] std::string shortened(std::string_view text);

/// A string as JSON writes it, shortened in the middle when it is long.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// The value at `path` ("memory.regions.0.size") or the nearest one around it that was written;
/// short forms and lists of one without brackets are looked through.
[[nodiscard]] const Node& node_at(const Node& root, std::string_view path);

}  // namespace gh::config
