// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/parse.h"

#include <string>
#include <vector>

/// Parses `text` as "vm.json" in /vm, without looking for the files that it names.
inline gh::config::Vm parse_text(const std::string& text, std::vector<std::string> settings = {})
{
    return gh::config::parse(
        {"vm.json", text, "/vm", std::move(settings), gh::config::Files::Trust});
}

/// Parses a file of a kernel and the given further members.
inline gh::config::Vm parse_members(const std::string& members,
                                    std::vector<std::string> settings = {})
{
    return parse_text(R"({"kernel": "k", )" + members + "}", std::move(settings));
}

/// What is said about the text; empty if nothing.
inline std::vector<std::string> complaints_of(const std::string& text,
                                              std::vector<std::string> settings = {})
{
    try {
        (void)parse_text(text, std::move(settings));
        return {};
    } catch (const gh::config::ConfigError& error) {
        return error.lines();
    }
}

/// The only complaint about a file of a kernel and the given further members, after its path.
inline std::string complaint_of(const std::string& members, std::vector<std::string> settings = {})
{
    const auto lines = complaints_of(R"({"kernel": "k", )" + members + "}", std::move(settings));
    return lines.size() == 1 ? lines.front() : std::to_string(lines.size()) + " complaints";
}
