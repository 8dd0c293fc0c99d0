// SPDX-License-Identifier: BSD-3-Clause
#include "config/reader.h"
#include "config/rule_group.h"

#include <vector>

namespace gh::config {
namespace {

class LineRules final : RuleGroup {
public:
    using RuleGroup::RuleGroup;

    void check() { check_lines(); }

private:
    /// A line to the host and the path of its key.
    struct Line {
        const Serial* serial;
        std::string path;
    };

    [[nodiscard]] std::vector<Line> lines() const
    {
        std::vector<Line> all;
        for (std::size_t i = 0; i < vm_.serial.size(); ++i)
            all.push_back({&vm_.serial[i], "serial." + std::to_string(i)});
        for (std::size_t i = 0; i < vm_.console.size(); ++i)
            all.push_back({&vm_.console[i], "console." + std::to_string(i)});
        return all;
    }

    void check_lines()
    {
        const auto all = lines();
        for (auto line = all.begin(); line != all.end(); ++line) {
            if (!is_sound(line->path))
                continue;
            check_line(*line->serial, line->path);
            for (auto before = all.begin(); before != line; ++before)
                check_lines_differ(*line, *before);
        }
    }

    void check_line(const Serial& line, const std::string& path)
    {
        const bool needs_path = line.type == SerialType::File || line.type == SerialType::Socket;
        const bool takes_path = needs_path || line.type == SerialType::Pty;
        if (needs_path && line.path.empty())
            complain(path + ".path",
                     "got nothing; expected the path of the file or socket to make");
        if (!takes_path && !line.path.empty())
            complain(path + ".path", "got " + in_quotes(line.path) +
                                         "; expected no path for a line of type stdio or null");
        if (takes_path && !line.path.empty() && source_.files == Files::Check)
            check_output(line.path, path + ".path");
        if (line.name.find('/') != std::string::npos)
            complain(path + ".name", "got " + in_quotes(line.name) +
                                         "; expected a name without \"/\", as it names a file");
    }

    void check_lines_differ(const Line& line, const Line& before)
    {
        const Serial& serial = *line.serial;
        const Serial& other = *before.serial;
        if (serial.type == SerialType::Stdio && other.type == SerialType::Stdio)
            complain(line.path,
                     "got a second \"stdio\"; expected one line at most (" + before.path +
                         " has the terminal" +
                         (before.path == "serial.0" ? "; \"serial\": [] takes it away)" : ")"));
        else if (!serial.path.empty() && serial.path == other.path)
            complain(line.path + ".path", "got " + in_quotes(serial.path) +
                                              "; expected a path of its own (" + before.path +
                                              " has this one)");
        if (!serial.name.empty() && serial.name == other.name)
            complain(line.path + ".name", "got " + in_quotes(serial.name) +
                                              "; expected a name of its own (" + before.path +
                                              " has this one)");
    }
};

}  // namespace

void check_line_rules(const Inspection& inspection)
{
    LineRules{inspection}.check();
}

}  // namespace gh::config
