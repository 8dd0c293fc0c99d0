// SPDX-License-Identifier: BSD-3-Clause
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/kernel_config.h"
#include "cli/output.h"
#include "cli/probe_report.h"
#include "cli/usage_error.h"
#include "emulator/driver/device.h"
#include "gunyah/file.h"

#include <cerrno>
#include <memory>

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <unistd.h>

namespace gh::cli {
namespace {

constexpr unsigned kEmulatedVcpus = 8;

struct ProbeOptions {
    std::string device = "/dev/gunyah";
    std::string personality;
    bool json = false;
};

void probe_emulated(const ProbeOptions& options, ProbeReport& report)
{
    driver::DeviceOptions device;
    if (!options.personality.empty())
        device.personality = options.personality;
    report.emulated = true;
    report.vcpus = kEmulatedVcpus;
    const char* const obstacle = hyp::jit_obstacle();
    report.engine = obstacle == nullptr ? "jit" : "interpreter: " + std::string(obstacle);
    report.inspection = gunyah::inspect(*driver::open_emulated_device(device));
}

/// Asked first by itself, since only so the errno is known.
int open_error(const std::string& path)
{
    const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    ::close(fd);
    return 0;
}

void probe_kernel(const ProbeOptions& options, ProbeReport& report)
{
    if (const int error = open_error(options.device); error != 0)
        report.inspection.obstacles.push_back(gunyah::no_device(options.device, error, report.host,
                                                                kernel_config(report.host.kernel)));
    else
        report.inspection = gunyah::inspect(*gunyah::open_kernel_device(options.device.c_str()));
}

int probe(const ProbeOptions& options)
{
    const bool emulated = options.device == "emulated";
    if (!emulated && !options.personality.empty())
        throw UsageError(
            "--personality is of the emulated device: gh-vmm probe emulated "
            "--personality " +
            options.personality);
    ProbeReport report;
    report.device = options.device;
    report.host = gunyah::read_host();
    (emulated ? probe_emulated : probe_kernel)(options, report);
    auto& obstacles = report.inspection.obstacles;
    for (auto& limit : gunyah::limits_of(report.host, emulated ? nullptr : report.inspection.abi))
        obstacles.push_back(std::move(limit));
    write_output(options.json ? probe_json(report) : probe_text(report));
    return report.usable() ? kExitOk : kExitError;
}

}  // namespace

Action declare_probe(CLI::App& app)
{
    const auto options = std::make_shared<ProbeOptions>();  // shared by app and action
    app.add_option("DEVICE", options->device,
                   "The device, /dev/gunyah if none is named, or the word emulated");
    app.add_option("--personality", options->personality,
                   "Whose kernel's driver the emulated device is, such as v17 or android15")
        ->type_name("NAME");
    app.add_flag("--json", options->json, "As JSON instead of a table");
    return [options] { return probe(*options); };
}

}  // namespace gh::cli
