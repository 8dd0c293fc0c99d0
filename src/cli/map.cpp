// SPDX-License-Identifier: BSD-3-Clause
#include "machine/map.h"

#include "cli/command.h"
#include "cli/config_options.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/plan_config.h"

#include <memory>

#include <CLI/CLI.hpp>

namespace gh::cli {
namespace {

struct MapOptions {
    ConfigOptions config;
    bool json = false;
};

int map(const MapOptions& options)
{
    const auto plan = plan_config(options.config.load());
    write_output(options.json ? machine::map_json(plan) : machine::map_table(plan));
    return kExitOk;
}

}  // namespace

Action declare_map(CLI::App& app)
{
    const auto options = std::make_shared<MapOptions>();  // shared by app and action
    options->config.declare(app);
    app.add_flag("--json", options->json, "As JSON instead of a table");
    return [options] { return map(*options); };
}

}  // namespace gh::cli
