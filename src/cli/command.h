// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace gh::cli {

/// What a sub-command does once its options are read; its result is the exit code.
using Action = std::function<int()>;

/// One sub-command: a row of the table in cli.cpp, one file with its options and what it does.
struct Command {
    const char* name;
    const char* help;
    Action (*declare)(CLI::App& options);
};

Action declare_check(CLI::App& options);
Action declare_dtb(CLI::App& options);
Action declare_map(CLI::App& options);
Action declare_run(CLI::App& options);
Action declare_schema(CLI::App& options);

}  // namespace gh::cli
