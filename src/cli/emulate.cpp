// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "emulator/serve/launch.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace gh::cli {
namespace {

struct EmulateOptions {
    std::vector<std::string> command;
    serve::LaunchOptions launch;
};

const std::map<std::string, driver::Manner> kManners{{"open", driver::Manner::Open},
                                                     {"production", driver::Manner::Production}};
const std::map<std::string, hyp::Engine> kEngines{{"auto", hyp::Engine::Auto},
                                                  {"jit", hyp::Engine::Jit},
                                                  {"interpreter", hyp::Engine::Interpreter}};

}  // namespace

Action declare_emulate(CLI::App& app)
{
    const auto options = std::make_shared<EmulateOptions>();  // shared by app and action
    auto& launch = options->launch;
    app.add_option("command", options->command, "The program to run, and its arguments")
        ->required();
    app.add_option("--personality", launch.device.personality,
                   "The kernel generation whose driver answers: v10 to v17, android14-early, "
                   "android14, android15 or android16");
    app.add_option("--resource-manager", launch.device.manner,
                   "open (shared memory will do) or production (as phones: it must be lent)")
        ->transform(CLI::CheckedTransformer(kManners).description(""))
        ->type_name("MANNER");
    app.add_option("--engine", launch.device.engine,
                   "What executes guests: auto, jit or interpreter")
        ->transform(CLI::CheckedTransformer(kEngines).description(""))
        ->type_name("NAME");
    app.add_option("--device", launch.path, "Where the program finds the device (/dev/gunyah)")
        ->type_name("PATH");
    app.add_option("--log", launch.log,
                   "Append what the emulation says, such as why the Resource Manager refuses, to "
                   "FILE instead of stderr")
        ->type_name("FILE");
    return [options] { return serve::launch(options->command, options->launch); };
}

}  // namespace gh::cli
