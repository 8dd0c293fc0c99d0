// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/view.h"

#include <cstddef>
#include <string>
#include <vector>

namespace gh::fdt {

inline constexpr int kMaxDepth = 15;  // the deepest node the Resource Manager was seen to survive
inline constexpr std::size_t kMaxPath = 256;

/// The ways to all nodes of a tree. It may have very many: a path must not cost a search of all of
/// it each.
class NodePaths {
public:
    /// `view` must outlive it.
    explicit NodePaths(const View& view);

    /// Cut where it is of no use any more: below kMaxDepth, and a name behind kMaxPath bytes.
    [[nodiscard]] std::string of(Offset node) const;

private:
    struct Way {
        Offset node{};
        std::size_t parent = 0;  // its index; the root's is its own
    };

    const View& view_;
    std::vector<Way> ways_;  // in the blob's order
};

}  // namespace gh::fdt
