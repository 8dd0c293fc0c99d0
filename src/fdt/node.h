// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/view.h"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace gh::fdt {

/// A devicetree node under construction: properties and children stay in the order they were made
/// in, which is the order of the blob. References to children stay good while siblings are added.
class Node {
public:
    struct Property {
        std::string name;
        std::vector<std::byte> value;
    };

    explicit Node(std::string name = "") : name_(std::move(name)) {}

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] const std::vector<Property>& properties() const { return properties_; }
    [[nodiscard]] const std::deque<Node>& children() const { return children_; }

    /// The child of that name, made at the end where there is none.
    Node& child(std::string_view name);
    [[nodiscard]] Node* find_child(std::string_view name);
    void add(Node child);
    void remove_child(std::string_view name);

    /// Sets or replaces; a replaced property keeps its place.
    Node& set(std::string_view name, Bytes value);
    Node& set_flag(std::string_view name) { return set(name, Bytes{}); }
    Node& set_text(std::string_view name, std::string_view text);
    Node& set_texts(std::string_view name, const std::vector<std::string>& texts);
    Node& set_cells(std::string_view name, const std::vector<std::uint32_t>& cells);
    Node& set_u32(std::string_view name, std::uint32_t value) { return set_cells(name, {value}); }
    /// Each number as two cells.
    Node& set_u64s(std::string_view name, const std::vector<std::uint64_t>& numbers);
    Node& set_u64(std::string_view name, std::uint64_t value) { return set_u64s(name, {value}); }
    [[nodiscard]] const Property* property(std::string_view name) const;
    void remove(std::string_view name);

private:
    std::string name_;
    std::vector<Property> properties_;
    std::deque<Node> children_;
};

/// The tree in `view`, whose root becomes the node. Deeper than 64 levels: Error.
[[nodiscard]] Node unflatten(const View& view);

/// The blob (version 17, packed). Throws Error where a name cannot stand in a devicetree.
[[nodiscard]] std::vector<std::byte> flatten(
    const Node& root, const std::vector<View::Reservation>& reservations = {});

}  // namespace gh::fdt
