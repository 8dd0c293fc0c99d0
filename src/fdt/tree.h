// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/view.h"

namespace gh::fdt {

/// A flattened tree that is changed in place, with libfdt's habits: a new property or child comes
/// before those that are there. (To write a tree in order, see Node.) An Offset stays good for the
/// node that is changed and those around and before it; look others up again. Grows by itself.
class Tree {
public:
    /// A copy of a tree that View takes. Throws Error where libfdt cannot edit it.
    explicit Tree(const View& from);

    [[nodiscard]] View view() const;
    [[nodiscard]] Offset root() const { return Offset{0}; }
    [[nodiscard]] std::optional<Offset> find(std::string_view path) const
    {
        return view().find(path);
    }

    /// A new first child; the one that is there if the name is taken.
    Offset add_node(Offset parent, const std::string& name);
    void set(Offset node, const std::string& name, Bytes value);
    void set_flag(Offset node, const std::string& name) { set(node, name, Bytes{}); }
    void set_u32(Offset node, const std::string& name, std::uint32_t value)
    {
        set_cells(node, name, {value});
    }
    void set_cells(Offset node, const std::string& name, const std::vector<std::uint32_t>& cells);
    /// Each number as two cells.
    void set_u64s(Offset node, const std::string& name, const std::vector<std::uint64_t>& numbers);
    void set_texts(Offset node, const std::string& name, const std::vector<std::string>& texts);
    void remove(Offset node, const std::string& name);
    [[nodiscard]] std::uint32_t new_phandle() const;

    /// The blob without slack: totalsize bytes.
    [[nodiscard]] std::vector<std::byte> pack() const;

private:
    template <class Edit>
    int grow_until(const Edit& edit, const char* what);

    std::vector<std::byte> blob_;
};

/// `base` with the overlay applied. Throws Error naming `what`; an overlay with references by label
/// needs a base with symbols (dtc -@).
[[nodiscard]] std::vector<std::byte> apply_overlay(Bytes base, Bytes overlay,
                                                   const std::string& what);

}  // namespace gh::fdt
