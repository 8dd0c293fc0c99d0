// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "control/client.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace gh::cli {
namespace {

// Until the VM hangs up, which it does as it ends.
int watch(const std::string& name)
{
    control::Client client(name);
    (void)client.ask({.command = control::Command::Events});
    while (const auto line = client.next_line())
        write_output(*line + "\n");
    return kExitOk;
}

}  // namespace

Action declare_events(CLI::App& app)
{
    const auto name = std::make_shared<std::string>();  // shared by app and action
    app.add_option("NAME", *name, "The VM's name, or the path of its control socket")->required();
    return [name] { return watch(*name); };
}

}  // namespace gh::cli
