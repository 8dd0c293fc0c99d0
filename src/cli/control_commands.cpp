// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/usage_error.h"
#include "config/quantity.h"
#include "control/client.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

/// The commands that ask a running VM for something and have nothing to show.
namespace gh::cli {
namespace {

using control::Request;

Action declare(CLI::App& app, control::Command command)
{
    const auto name = std::make_shared<std::string>();  // shared by app and action
    app.add_option("NAME", *name, "The VM's name, or the path of its control socket")->required();
    return [name, command] {
        (void)control::Client(*name).ask({.command = command});
        return kExitOk;
    };
}

struct StopOptions {
    std::string name;
    std::string grace;
    bool force = false;
};

// The VM hangs up as its process ends.
int stop(const StopOptions& options)
{
    Request request{.command = control::Command::Stop, .force = options.force};
    if (!options.grace.empty()) {
        const auto grace = config::parse_duration(options.grace);
        if (!grace)
            throw UsageError("--grace: got \"" + options.grace +
                             "\"; expected a duration such as 30s or 2m");
        request.grace = std::chrono::milliseconds(*grace);
    }
    control::Client client(options.name);
    (void)client.ask(request);
    while (client.next_line())
        continue;
    return kExitOk;
}

int inflate(const std::string& name, const std::string& text)
{
    const auto size = config::parse_quantity(text);
    if (!size)
        throw UsageError("SIZE: got \"" + text + "\"; expected a size such as 256MiB");
    Request request{.command = control::Command::Balloon};
    request.size = *size;
    (void)control::Client(name).ask(request);
    return kExitOk;
}

}  // namespace

Action declare_balloon(CLI::App& app)
{
    const auto name = std::make_shared<std::string>();  // these are shared by app and action
    const auto size = std::make_shared<std::string>();
    app.add_option("NAME", *name, "The VM's name, or the path of its control socket")->required();
    app.add_option("SIZE", *size, "How much of its memory the guest is to give back")->required();
    return [name, size] { return inflate(*name, *size); };
}

Action declare_stop(CLI::App& app)
{
    const auto options = std::make_shared<StopOptions>();  // shared by app and action
    app.add_option("NAME", options->name, "The VM's name, or the path of its control socket")
        ->required();
    app.add_option("--grace", options->grace,
                   "How long the guest may take to power off, instead of stop.grace")
        ->type_name("TIME");
    app.add_flag("--force", options->force, "End the VM without asking the guest");
    return [options] { return stop(*options); };
}

Action declare_powerbtn(CLI::App& app)
{
    return declare(app, control::Command::PowerButton);
}
Action declare_suspend(CLI::App& app)
{
    return declare(app, control::Command::Suspend);
}
Action declare_resume(CLI::App& app)
{
    return declare(app, control::Command::Resume);
}
Action declare_reset(CLI::App& app)
{
    return declare(app, control::Command::Reset);
}

}  // namespace gh::cli
