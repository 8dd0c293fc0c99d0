// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/vm_table.h"
#include "control/client.h"
#include "control/place.h"

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

namespace gh::cli {
namespace {

// What a killed process left behind has no listener, and is no VM.
std::vector<std::pair<std::string, control::Status>> running_vms()
{
    std::vector<std::pair<std::string, control::Status>> vms;
    for (const auto& socket : control::all_sockets()) {
        try {
            const std::string json =
                control::Client(socket).ask({.command = control::Command::Status});
            vms.emplace_back(json, control::status_from_json(json));
        } catch (const Error& error) {
            log(LogLevel::Info, "%s", error.what());
        }
    }
    return vms;
}

int list(bool json)
{
    std::vector<control::Status> statuses;
    for (const auto& [text, status] : running_vms()) {
        statuses.push_back(status);
        if (json)
            write_output(text + "\n");
    }
    if (!json)
        write_output(list_text(statuses));
    return kExitOk;
}

}  // namespace

Action declare_list(CLI::App& app)
{
    const auto json = std::make_shared<bool>(false);  // shared by app and action
    app.add_flag("--json", *json, "As JSON, a line for each VM");
    return [json] { return list(*json); };
}

}  // namespace gh::cli
