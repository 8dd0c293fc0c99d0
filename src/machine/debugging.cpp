// SPDX-License-Identifier: BSD-3-Clause
#include "machine/debugging.h"

#include <cstdio>
#include <string_view>

namespace gh::machine {
namespace {

/// GDB's `monitor COMMAND`.
std::string obey(Machine& machine, std::string_view command)
{
    if (command == "powerbtn" || command == "system_powerdown")
        return machine.press_power_button()
                   ? "pressed; continue to let the guest see it\n"
                   : "the guest has no power button, or no driver for it\n";
    if (command == "quit") {
        machine.end({kPoweredOff, "ended by the debugger"});
        return "ending\n";
    }
    return "commands:\n"
           "  powerbtn  presses the power button (also: system_powerdown)\n"
           "  quit      ends the VM\n";
}

}  // namespace

GdbOption parse_gdb_option(const std::string& text)
{
    constexpr std::string_view kNoWait = ",nowait";
    if (!std::string_view(text).ends_with(kNoWait))
        return {.where = text, .wait = true};
    return {.where = text.substr(0, text.size() - kNoWait.size()), .wait = false};
}

Debugging::Debugging(const GdbOption& option)
    : option_(option),
      debugger_(std::make_shared<hyp::Debugger>(option.wait ? hyp::Debugger::Beginning::Stopped
                                                            : hyp::Debugger::Beginning::Running))
{
}

std::unique_ptr<gdb::Server> Debugging::serve(Machine& machine) const
{
    gdb::MachineHooks hooks{
        .kill =
            [&machine] {
                machine.end({kPoweredOff, "ended by the debugger"});
            },
        .monitor = [&machine](std::string_view command) { return obey(machine, command); },
        .stands = [&machine](bool stands) { machine.debugger_holds(stands); }};
    auto server = std::make_unique<gdb::Server>(option_.where, debugger_, std::move(hooks));
    (void)std::fprintf(stderr, "gh-vmm: %s: (gdb) target remote %s\n",
                       option_.wait ? "the guest waits for GDB" : "GDB may come",
                       server->address().c_str());
    return server;
}

}  // namespace gh::machine
