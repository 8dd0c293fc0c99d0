// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "cli/config_options.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/plan_config.h"
#include "fdt/dts.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include <unistd.h>

namespace gh::cli {
namespace {

struct DtbOptions {
    ConfigOptions config;
    std::string output;
    std::string format;
};

bool wants_source(const DtbOptions& options)
{
    if (!options.format.empty())
        return options.format == "dts";
    if (!options.output.empty())
        return options.output.ends_with(".dts");
    return ::isatty(STDOUT_FILENO) == 1;
}

int write_dtb(const DtbOptions& options)
{
    const auto plan = plan_config(options.config.load());
    warn_of_findings(plan);
    if (wants_source(options))
        write_output(fdt::to_dts(plan.dtb), options.output);
    else
        write_output(plan.dtb, options.output);
    return kExitOk;
}

}  // namespace

Action declare_dtb(CLI::App& app)
{
    const auto options = std::make_shared<DtbOptions>();  // shared by app and action
    options->config.declare(app);
    app.add_option("-o,--output", options->output, "Where to write it instead of stdout")
        ->type_name("FILE");
    app.add_option("--format", options->format,
                   "dtb: a blob, dts: source. Without it: by the name of FILE, else dtb; dts on a "
                   "terminal")
        ->check(CLI::IsMember({"dtb", "dts"}))
        ->type_name("dtb|dts");
    return [options] { return write_dtb(*options); };
}

}  // namespace gh::cli
