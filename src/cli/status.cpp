// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/vm_table.h"
#include "control/client.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace gh::cli {
namespace {

struct StatusOptions {
    std::string name;
    bool json = false;
    bool metrics = false;
    bool ready = false;
};

int show(const StatusOptions& options)
{
    const std::string json =
        control::Client(options.name).ask({.command = control::Command::Status});
    if (options.ready)
        return control::status_from_json(json).ready ? kExitOk : kExitError;
    if (options.json)
        write_output(json + "\n");
    else if (options.metrics)
        write_output(control::metrics(control::status_from_json(json)));
    else
        write_output(status_text(control::status_from_json(json)));
    return kExitOk;
}

}  // namespace

Action declare_status(CLI::App& app)
{
    const auto options = std::make_shared<StatusOptions>();  // shared by app and action
    app.add_option("NAME", options->name, "The VM's name, or the path of its control socket")
        ->required();
    auto* const json = app.add_flag("--json", options->json, "As JSON instead of a table");
    app.add_flag("--metrics", options->metrics, "As metrics in Prometheus' text format")
        ->excludes(json);
    app.add_flag("--ready", options->ready,
                 "Show nothing; end with 0 if the guest is ready, else 1");
    return [options] { return show(*options); };
}

}  // namespace gh::cli
