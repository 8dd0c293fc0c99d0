// SPDX-License-Identifier: BSD-3-Clause
#include "machine/run.h"

#include "base/fd.h"
#include "base/log.h"
#include "fdt/lint.h"
#include "machine/machine.h"

#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace gh::machine {
namespace {

// A closed standard descriptor's number would go to the next file that is opened, and output to it.
void fill_standard_descriptors()
{
    int fd = ::open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = ::open("/dev/null", O_RDWR);
    if (fd >= 0)
        ::close(fd);
}

void warn_of_broken_rules(const Plan& plan)
{
    for (const auto& finding : lint(plan))
        log(LogLevel::Warn, "devicetree: %s", fdt::to_string(finding).c_str());
}

Outcome run_machine(const config::Vm& vm, const RunOptions& options)
{
    const Signals signals;
    const auto trace =
        options.trace_ioctls ? gunyah::trace_to(*options.trace_ioctls) : gunyah::TraceSink{};
    Plan plan = make_plan(vm, random_seeds());
    warn_of_broken_rules(plan);
    Machine machine(vm, std::move(plan), open_vm(vm.hypervisor, trace), signals);
    return machine.run();
}

}  // namespace

int run(const config::Vm& vm, const RunOptions& options)
{
    fill_standard_descriptors();
    const Outcome outcome = run_machine(vm, options);
    (void)std::fprintf(stderr, "gh-vmm: %s\n", outcome.why.c_str());
    return outcome.code;
}

}  // namespace gh::machine
