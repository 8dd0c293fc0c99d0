// SPDX-License-Identifier: BSD-3-Clause
#include "config/rules.h"

#include "config/processors.h"
#include "config/reader.h"
#include "config/rule_group.h"

namespace gh::config {
namespace {

constexpr std::size_t kCommandLine = 2047;  // arm64's COMMAND_LINE_SIZE without the final zero

/// Of what is neither memory nor a device.
class GeneralRules final : RuleGroup {
public:
    using RuleGroup::RuleGroup;

    void check()
    {
        check_params();
        check_engine();
        check_affinity();
        check_boot();
        check_control();
    }

private:
    void check_params()
    {
        std::size_t length = 0;
        for (const auto& param : vm_.params)
            length += param.size() + 1;
        if (length > kCommandLine + 1 && is_sound("params"))
            complain("params", "got " + std::to_string(length - 1) +
                                   " characters in all; expected at most " +
                                   std::to_string(kCommandLine) + " (what an arm64 Linux takes)");
    }

    void check_engine()
    {
        // What one vCPU stored cannot be taken back under the eyes of another.
        if (vm_.hypervisor.engine == Engine::Lockstep && vm_.cpus.count != 1 && is_sound("cpus"))
            complain("cpus", "got " + std::to_string(vm_.cpus.count) +
                                 "; expected 1, as hypervisor.engine is lockstep");
    }

    void check_affinity()
    {
        const auto& all = vm_.cpus.affinity;
        for (std::size_t i = 0; i < all.size(); ++i)
            if (!parse_processors(all[i]))
                complain("cpus.affinity." + std::to_string(i),
                         "got " + in_quotes(all[i]) + "; expected numbers of processors below " +
                             std::to_string(kMostProcessors) + ", such as \"0-3,6\"");
        if (all.size() > 1 && all.size() != vm_.cpus.count && is_sound("cpus"))
            complain("cpus.affinity", "got " + std::to_string(all.size()) +
                                          " values; expected one, or one for each of the " +
                                          std::to_string(vm_.cpus.count) + " CPUs");
    }

    void check_boot()
    {
        if (vm_.boot.timeout && vm_.boot.ready.empty() && is_sound("boot"))
            complain("boot.timeout",
                     "got a time-out without boot.ready; expected also the text that the guest "
                     "says once it is ready");
        if (!vm_.boot.ready.empty() && vm_.serial.empty() && is_sound("serial"))
            complain("boot.ready", "got a text; expected none, as there is no serial line");
    }

    void check_control()
    {
        const Control& control = vm_.control;
        if (!control.crosvm_socket.empty() && control.crosvm_socket == control.socket)
            complain("control.crosvm_socket", "got " + in_quotes(control.socket) +
                                                  "; expected a path of its own "
                                                  "(control.socket has this one)");
        if (source_.files != Files::Check)
            return;
        if (!control.socket.empty() && is_sound("control.socket"))
            check_output(control.socket, "control.socket");
        if (!control.crosvm_socket.empty() && is_sound("control.crosvm_socket"))
            check_output(control.crosvm_socket, "control.crosvm_socket");
    }
};

}  // namespace

void check_rules(const Vm& vm, const Node& root, const Source& source, Complaints& complaints)
{
    const Inspection inspection{vm, root, source, complaints};
    check_memory_rules(inspection);
    check_line_rules(inspection);
    check_device_rules(inspection);
    GeneralRules{inspection}.check();
}

}  // namespace gh::config
