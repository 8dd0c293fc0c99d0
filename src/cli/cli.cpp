// SPDX-License-Identifier: BSD-3-Clause
#include "cli/cli.h"

#include "base/log.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/usage_error.h"
#include "config/config_error.h"
#include "config/suggest.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

namespace gh::cli {
namespace {

constexpr std::array kCommands{
    Command{"run", "Boot the guest and wait until it ends", declare_run},
    Command{"list", "Show the VMs that run", declare_list},
    Command{"status", "Show what a running VM does", declare_status},
    Command{"events", "Show what becomes of a VM, as it happens", declare_events},
    Command{"console", "Attach this terminal to a VM's serial line", declare_console},
    Command{"stop", "Have the guest power off, or end it", declare_stop},
    Command{"powerbtn", "Press a VM's power button", declare_powerbtn},
    Command{"suspend", "Stop a VM's CPUs for a while", declare_suspend},
    Command{"resume", "Let a suspended VM go on", declare_resume},
    Command{"reset", "Start a VM anew, without asking the guest", declare_reset},
    Command{"balloon", "Take memory back from a VM, or give it", declare_balloon},
    Command{"dtb", "Write the devicetree that the guest would get", declare_dtb},
    Command{"map", "Draw the guest-physical address space", declare_map},
    Command{"check", "Say everything that is wrong with a configuration", declare_check},
    Command{"emulate", "Run any program with an emulated /dev/gunyah in place", declare_emulate},
    Command{"probe", "Say what a Gunyah device can do and what stops VMs here", declare_probe},
    Command{"schema", "Print the JSON Schema of configurations", declare_schema},
};

/// CLI11's help without what only CLI11 understands.
class HelpFormatter : public CLI::Formatter {
public:
    /// "--trace-ioctls", not "--trace-ioctls{-}".
    std::string make_option_name(const CLI::Option* option, bool is_positional) const override
    {
        const std::string name = CLI::Formatter::make_option_name(option, is_positional);
        return name.substr(0, name.find('{'));
    }
    /// "KEY=VALUE", without types of arguments, counts and "REQUIRED".
    std::string make_option_opts(const CLI::Option* option) const override
    {
        const std::string full = option->get_type_name();
        const std::string type = full.substr(0, full.find(':'));
        return type.empty() || type == "TEXT" ? "" : (type.starts_with("[") ? "" : " ") + type;
    }
};

std::string suggestion(std::string_view word)
{
    std::vector<std::string_view> names;
    names.reserve(kCommands.size());
    for (const Command& command : kCommands)
        names.emplace_back(command.name);
    const auto near = config::nearest(word, names);
    return near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?";
}

std::string command_names()
{
    std::string names;
    for (const Command& command : kCommands)
        names += (names.empty() ? "" : ", ") + std::string(command.name);
    return names;
}

/// A first word that is no sub-command deserves better than "not expected".
void check_command_name(int argc, const char* const* argv)
{
    const auto is_word = [](std::string_view text) { return !text.starts_with("-"); };
    const auto* const word = std::find_if(argv + 1, argv + argc, is_word);
    const auto is_it = [word](const Command& command) {
        return std::string(*word) == command.name;
    };
    if (word == argv + argc)
        throw UsageError("which command? There are " + command_names() + ".\nSee gh-vmm --help.");
    if (std::any_of(kCommands.begin(), kCommands.end(), is_it))
        return;
    throw UsageError("there is no command \"" + std::string(*word) + "\"" + suggestion(*word) +
                     "\nSee gh-vmm --help.");
}

/// False if the answer (help, version) was already printed. CLI11's exceptions end here.
bool parse(CLI::App& app, int argc, const char* const* argv)
{
    try {
        app.parse(argc, argv);
        return true;
    } catch (const CLI::Success& answer) {
        std::ostringstream text;
        (void)app.exit(answer, text, text);
        write_output(text.str());
        return false;
    } catch (const CLI::ParseError& error) {
        check_command_name(argc, argv);
        const auto chosen = app.get_subcommands();
        throw UsageError(std::string(error.what()) + "\nSee gh-vmm " +
                         (chosen.empty() ? "" : chosen.front()->get_name() + " ") + "--help.");
    }
}

struct LogOptions {
    int verbosity = 0;
    std::string level;
    std::string format;

    void declare(CLI::App& app)
    {
        app.add_flag("-v,--verbose", verbosity, "Say more on stderr; twice: everything");
        app.add_option("--log-level", level,
                       "What to say on stderr: error, notice, warn, info or debug and what is "
                       "graver")
            ->type_name("NAME");
        app.add_option("--log-format", format,
                       "How to say it: text or json, a line for each message")
            ->type_name("NAME");
    }

    void apply() const
    {
        static constexpr std::array kLevels{LogLevel::Warn, LogLevel::Info, LogLevel::Debug};
        set_log_level(kLevels.at(static_cast<std::size_t>(verbosity < 2 ? verbosity : 2)));
        if (!level.empty())
            set_log_level(static_cast<LogLevel>(
                index_of("--log-level", level, {"error", "notice", "warn", "info", "debug"})));
        if (!format.empty())
            set_log_format(
                static_cast<LogFormat>(index_of("--log-format", format, {"text", "json"})));
    }

private:
    static std::size_t index_of(const std::string& option, const std::string& word,
                                const std::vector<std::string_view>& words)
    {
        const auto found = std::find(words.begin(), words.end(), word);
        if (found != words.end())
            return static_cast<std::size_t>(found - words.begin());
        const auto near = config::nearest(word, words);
        std::string all;
        for (const auto& one : words)
            all += (all.empty() ? "" : ", ") + std::string(one);
        throw UsageError(option + ": got \"" + word + "\"; expected one of " + all +
                         (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?") +
                         "\nSee gh-vmm --help.");
    }
};

void say(const std::string& line)
{
    (void)std::fprintf(stderr, "%s\n", line.c_str());
}

void say_all(const config::ConfigError& error)
{
    for (const auto& line : error.lines())
        say(line);
    const auto count = error.count();
    if (count > error.lines().size())
        say("... and " + std::to_string(count - error.lines().size()) + " more");
    say("gh-vmm: error: " + std::to_string(count) + (count == 1 ? " mistake" : " mistakes") +
        " in " + error.file() + "; nothing was started");
}

}  // namespace

int run(int argc, const char* const* argv)
{
    CLI::App app{"A small virtual machine monitor for the Gunyah hypervisor", "gh-vmm"};
    app.set_version_flag("-V,--version", "gh-vmm " GH_VERSION);
    app.require_subcommand(1);
    app.fallthrough();
    app.formatter(std::make_shared<HelpFormatter>());
    LogOptions log_options;
    log_options.declare(app);
    Action action;
    for (const Command& command : kCommands) {
        CLI::App* const options = app.add_subcommand(command.name, command.help);
        options->callback([&action, chosen = command.declare(*options)] { action = chosen; });
    }
    if (!parse(app, argc, argv))
        return kExitOk;
    log_options.apply();
    return action();
}

int report(const std::exception& error) noexcept
{
    if (const auto* config_error = dynamic_cast<const config::ConfigError*>(&error)) {
        say_all(*config_error);
        return kExitUsage;
    }
    if (dynamic_cast<const UsageError*>(&error) == nullptr) {
        log(LogLevel::Error, "%s", error.what());
        return kExitError;
    }
    say(std::string("gh-vmm: error: ") + error.what());
    return kExitUsage;
}

}  // namespace gh::cli
