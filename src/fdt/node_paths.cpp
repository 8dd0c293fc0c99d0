// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/node_paths.h"

#include <algorithm>
#include <string_view>

namespace gh::fdt {

NodePaths::NodePaths(const View& view) : view_(view)
{
    std::vector<std::size_t> around;  // index of the last node of each depth
    view_.walk([&](Offset node, int depth) {
        const auto level = static_cast<std::size_t>(depth);
        around.resize(level + 1);
        around[level] = ways_.size();
        ways_.push_back({node, around[level == 0 ? 0 : level - 1]});
        return true;
    });
}

std::string NodePaths::of(Offset node) const
{
    const auto way = std::lower_bound(ways_.begin(), ways_.end(), node,
                                      [](const Way& a, Offset b) { return a.node < b; });
    if (way == ways_.end() || way->node != node)
        return "/...";
    std::vector<std::string_view> names;
    for (auto index = static_cast<std::size_t>(way - ways_.begin());
         index != 0 && names.size() <= kMaxDepth; index = ways_[index].parent)
        names.push_back(view_.name(ways_[index].node).substr(0, kMaxPath));
    std::string path;
    for (auto name = names.rbegin(); name != names.rend(); ++name)
        path.append("/").append(*name);
    return path.empty() ? "/" : path;
}

}  // namespace gh::fdt
