// SPDX-License-Identifier: BSD-3-Clause
#include "cli/plan_config.h"

#include "base/log.h"
#include "boot/kernel.h"
#include "boot/placement.h"
#include "config/files.h"
#include "fdt/lint.h"

#include <optional>
#include <string>

namespace gh::cli {
namespace {

/// The result of `attempt`; an Error of it is a mistake in the value at `path`.
template <class Attempt>
auto blame(const config::Configuration& configuration, const char* path, const char* expected,
           const Attempt& attempt)
{
    try {
        return attempt();
    } catch (const Error& error) {
        auto complaints = configuration.complaints();
        configuration.complain(complaints, path, expected + std::string(error.what()));
        complaints.throw_if_any();
        throw;
    }
}

}  // namespace

void check_images(const config::Configuration& configuration)
{
    const config::Vm& vm = configuration.vm();
    const boot::Extent ram{Gpa{vm.memory.base}, vm.memory.size};
    const auto extent = blame(configuration, "kernel", "a kernel that this VM can boot: ", [&] {
        return boot::Kernel(vm.kernel.path, vm.kernel.address).extent(ram);
    });
    const auto initrd = vm.initrd ? config::file_size(*vm.initrd) : std::nullopt;
    if (initrd == 0u)
        blame(configuration, "initrd",
              "a file with something in it: ", [&] { throw Error(*vm.initrd + " is empty"); });
    blame(configuration, "memory",
          "room for the images: ", [&] { return boot::place(ram, extent, initrd); });
}

machine::Plan plan_config(const config::Configuration& configuration)
{
    check_images(configuration);
    const config::Vm& vm = configuration.vm();
    const bool has_tree = vm.dtb.base || !vm.dtb.overlays.empty();
    return blame(configuration, has_tree ? "dtb" : "", has_tree ? "trees that can be used: " : "",
                 [&] { return machine::make_plan(vm); });
}

bool warn_of_findings(const machine::Plan& plan)
{
    bool is_refused = false;
    for (const auto& finding : machine::lint(plan)) {
        log(LogLevel::Warn, "devicetree: %s", fdt::to_string(finding).c_str());
        is_refused |= finding.kind != fdt::Finding::Kind::Odd;
    }
    return is_refused;
}

}  // namespace gh::cli
