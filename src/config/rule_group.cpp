// SPDX-License-Identifier: BSD-3-Clause
#include "config/rule_group.h"

#include "config/reader.h"

#include <filesystem>

#include <unistd.h>

namespace gh::config {

void RuleGroup::complain(const std::string& path, const std::string& text)
{
    complaints_.add(node_at(root_, path).place, path, text);
}

bool RuleGroup::is_sound(const std::string& path) const
{
    return !complaints_.mention(path);
}

void RuleGroup::check_output(const std::string& file, const std::string& path)
{
    const std::string folder = std::filesystem::path(file).parent_path().string();
    if (::access(folder.c_str(), W_OK | X_OK) != 0 && ::access(file.c_str(), W_OK) != 0)
        complain(path, "got " + in_quotes(file) +
                           "; expected a path in a folder that exists and "
                           "can be written to");
}

}  // namespace gh::config
