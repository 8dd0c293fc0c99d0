// SPDX-License-Identifier: BSD-3-Clause
#include "machine/run.h"

#include "cli/command.h"
#include "cli/config_options.h"
#include "cli/plan_config.h"

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>

namespace gh::cli {
namespace {

struct RunOptions {
    ConfigOptions config;
    machine::RunOptions machine;
};

int run_vm(const RunOptions& options)
{
    const auto configuration = options.config.load();
    check_images(configuration);
    return machine::run(configuration.vm(), options.machine);
}

}  // namespace

Action declare_run(CLI::App& app)
{
    const auto options = std::make_shared<RunOptions>();  // shared by app and action
    options->config.declare(app);
    app.add_option_function<std::string>(
           "--engine",
           [options](const std::string& name) {
               options->config.settings.push_back("hypervisor.engine=" + name);
           },
           "What executes the guest on the emulated device: auto, jit, interpreter or lockstep")
        ->type_name("NAME");
    app.add_option_function<std::string>(
           "--code",
           [options](const std::string& name) {
               options->config.settings.push_back("hypervisor.code=" + name);
           },
           "How the emulated device learns that code changed: contract or strict")
        ->type_name("NAME");
    app.add_option_function<std::string>(
           "--control",
           [options](const std::string& path) {
               options->config.settings.push_back("control.socket=" +
                                                  std::filesystem::absolute(path).string());
           },
           "Where to listen for gh-vmm status and others, instead of by the VM's name")
        ->type_name("PATH");
    auto* const daemon = app.add_flag("--daemon", options->machine.daemon,
                                      "Go into the background once the guest runs");
    app.add_option("--pidfile", options->machine.pid_file, "Where the daemon's process id goes")
        ->type_name("FILE")
        ->needs(daemon);
    app.add_option("--log-file", options->machine.log_file, "Where the daemon's messages go")
        ->type_name("FILE")
        ->needs(daemon);
    app.add_option("--gdb", options->machine.gdb,
                   "Let GDB debug the guest, at a port of 127.0.0.1 or a socket; the guest waits "
                   "for it, unless \",nowait\" follows")
        ->type_name("PORT|PATH[,nowait]");
    app.add_option_function<std::string>(
           "--sandbox",
           [options](const std::string& when) {
               options->config.settings.push_back("sandbox=" + when);
           },
           "Whether gh-vmm gives up what a running VM does not need: auto, on or off")
        ->type_name("WHEN");
    // A flag, so that the word behind it is not taken for its file.
    app.add_flag("--trace-ioctls{-}", options->machine.trace_ioctls,
                 "Print each request to the Gunyah device to FILE or, without =FILE, to stderr")
        ->type_name("[=FILE]");
    auto* const profile =
        app.add_flag("--profile{-}", options->machine.profile,
                     "Tell where time went, in FILE or, without =FILE, on stderr; and name "
                     "translated code for perf")
            ->type_name("[=FILE]");
    app.add_option("--symbols", options->machine.symbols,
                   "Names of the guest kernel's functions for --profile: System.map, kallsyms, nm")
        ->type_name("FILE")
        ->needs(profile);
    return [options] { return run_vm(*options); };
}

}  // namespace gh::cli
