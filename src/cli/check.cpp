// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "cli/config_options.h"
#include "cli/exit_code.h"

#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

namespace gh::cli {

Action declare_check(CLI::App& options)
{
    const auto config = std::make_shared<ConfigOptions>();  // shared by options and action
    config->declare(options);
    return [config] {
        (void)config->load();
        (void)std::printf("%s: ok\n", config->file.c_str());
        return kExitOk;
    };
}

}  // namespace gh::cli
