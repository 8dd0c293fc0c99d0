// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's
class App;
}

namespace gh::cli {

/// What a sub-command does once its options are read; its result is the exit code.
using Action = std::function<int()>;

/// One sub-command: a row of the table in cli.cpp, one file with its options and what it does.
struct Command {
    const char* name;
    const char* help;
    Action (*declare)(CLI::App& app);
};

Action declare_check(CLI::App& app);
Action declare_console(CLI::App& app);
Action declare_dtb(CLI::App& app);
Action declare_emulate(CLI::App& app);
Action declare_events(CLI::App& app);
Action declare_list(CLI::App& app);
Action declare_map(CLI::App& app);
Action declare_powerbtn(CLI::App& app);
Action declare_probe(CLI::App& app);
Action declare_reset(CLI::App& app);
Action declare_balloon(CLI::App& app);
Action declare_resume(CLI::App& app);
Action declare_run(CLI::App& app);
Action declare_schema(CLI::App& app);
Action declare_status(CLI::App& app);
Action declare_stop(CLI::App& app);
Action declare_suspend(CLI::App& app);

}  // namespace gh::cli
