// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "cli/config_options.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/plan_config.h"

#include <memory>

#include <CLI/CLI.hpp>

namespace gh::cli {

Action declare_check(CLI::App& app)
{
    const auto config = std::make_shared<ConfigOptions>();  // shared by app and action
    config->declare(app);
    return [config] {
        if (warn_of_findings(plan_config(config->load())))
            return kExitUsage;
        write_output(config->file + ": ok\n");
        return kExitOk;
    };
}

}  // namespace gh::cli
