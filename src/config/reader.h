// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/document.h"
#include "config/keys.h"
#include "config/parse.h"

#include <string>

namespace gh::config {

/// Walks the tree of a file and the table of keys side by side and fills structs. Whatever does
/// not fit becomes a complaint and leaves its member as it was.
class Reader {
public:
    Reader(const Source& source, Complaints& complaints) : source_(source), complaints_(complaints)
    {
    }

    /// Fills the struct behind `object`, which `key` is a member of.
    void read(const Key& key, const Node& node, const std::string& path, void* object);

    /// Fills the struct that `key` (an Object) describes from the members of `node`.
    void read_members(const Key& key, const Node& node, const std::string& path, void* object);

private:
    void read_list(const Key& key, const Node& node, const std::string& path, void* object);
    void read_value(const Key& key, const Node& node, const std::string& path, void* object);
    void complain_about_key(const Key& object, const Member& member, const std::string& path);
    void complain_about_missing(const Key& object, const Node& node, const std::string& path);
    void complain_about_file(const Key& key, const Node& node, const std::string& path,
                             const std::string& file);

    const Source& source_;
    Complaints& complaints_;
};

/// "memory" and "size" -> "memory.size"; "" and "memory" -> "memory".
[[nodiscard]] std::string inner_path(const std::string& path, std::string_view name);

}  // namespace gh::config
