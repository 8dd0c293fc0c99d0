// SPDX-License-Identifier: BSD-3-Clause
#include "cli/config_options.h"

#include <CLI/CLI.hpp>

namespace gh::cli {

void ConfigOptions::declare(CLI::App& app)
{
    app.add_option("CONFIG", file, "The configuration, a JSON file; see gh-vmm.json(5)")
        ->required();
    app.add_option("--set", settings,
                   "Set one key of the configuration, such as memory.size=2GiB; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
}

config::Configuration ConfigOptions::load() const
{
    return config::Configuration::load(file, settings);
}

}  // namespace gh::cli
