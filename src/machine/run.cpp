// SPDX-License-Identifier: BSD-3-Clause
#include "machine/run.h"

#include "base/error.h"
#include "base/fd.h"
#include "base/log.h"
#include "fdt/lint.h"
#include "machine/confinement.h"
#include "machine/daemon.h"
#include "machine/debugging.h"
#include "machine/host_parts.h"
#include "machine/machine.h"
#include "machine/profile.h"
#include "machine/signals.h"
#include "machine/supervisor.h"

#include <memory>
#include <optional>

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

/// A Resource Manager says itself what it refuses; but what it would not survive it must not get.
void heed_broken_rules(const Plan& plan)
{
    for (const auto& finding : lint(plan)) {
        if (finding.kind == fdt::Finding::Kind::Doomed)
            throw Error("devicetree: " + finding.path + ": " + finding.message);
        log(LogLevel::Warn, "devicetree: %s", fdt::to_string(finding).c_str());
    }
}

std::shared_ptr<Profile> make_profile(const RunOptions& options)
{
    if (!options.profile)
        return nullptr;
    return std::make_shared<Profile>(
        ProfileOptions{.file = *options.profile, .symbols = options.symbols});
}

/// Where a daemon's line would go to the terminal that it has left, gh-vmm console finds it.
config::Vm without_terminal(config::Vm vm)
{
    for (auto& line : vm.serial)
        if (line.type == config::SerialType::Stdio)
            line.type = config::SerialType::Pty;
    return vm;
}

Outcome run_machine(const config::Vm& vm, const RunOptions& options,
                    const std::shared_ptr<Profile>& profile, Daemon* daemon)
{
    const Signals signals;
    const auto trace =
        options.trace_ioctls ? gunyah::trace_to(*options.trace_ioctls) : gunyah::TraceSink{};
    std::optional<Debugging> debugging;
    if (options.gdb)
        debugging.emplace(parse_gdb_option(*options.gdb));
    const Observers observers{.profiler = profile,
                              .debugger = debugging ? debugging->debugger() : nullptr};
    Confinement confinement(vm, options);
    HostParts parts(vm);
    const auto build = [&] {
        parts.renew(!confinement.is_entered());
        Plan plan = make_plan(vm, random_seeds());
        heed_broken_rules(plan);
        OpenedVm opened = open_vm(vm.hypervisor, trace, observers);
        const auto opened_all = [&, emulated = opened.emulated] { confinement.enter(emulated); };
        auto machine =
            std::make_unique<Machine>(vm, std::move(plan), std::move(opened), parts, opened_all);
        if (debugging)
            machine->accompany(debugging->serve(*machine));
        return machine;
    };
    const auto started = [&] {
        if (daemon != nullptr)
            daemon->running();
    };
    return Supervisor(vm, build, signals).run(started);
}

}  // namespace

int run(const config::Vm& vm, const RunOptions& options)
{
    fill_standard_descriptors();
    raise_open_files();  // a guest's sockets are many, and each is one of ours
    const auto profile = make_profile(options);
    std::optional<Daemon> daemon;
    if (options.daemon)
        daemon.emplace(options.pid_file, options.log_file);
    const config::Vm wanted = options.daemon ? without_terminal(vm) : vm;
    const Outcome outcome = run_machine(wanted, options, profile, daemon ? &*daemon : nullptr);
    // Now the machine is taken down: a terminal is itself again, and all has been counted.
    if (profile)
        profile->write();
    log(LogLevel::Notice, "%s", outcome.why.c_str());
    return outcome.code;
}

}  // namespace gh::machine
