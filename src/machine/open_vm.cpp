// SPDX-License-Identifier: BSD-3-Clause
#include "machine/open_vm.h"

#include "base/error.h"
#include "base/log.h"
#include "emulator/driver/device.h"

#include <unistd.h>

namespace gh::machine {
namespace {

using Profiler = std::shared_ptr<hyp::Profiler>;

gunyah::Vm make_vm(std::unique_ptr<gunyah::File> device, const gunyah::TraceSink& trace)
{
    if (trace)
        device = gunyah::trace_file(std::move(device), "device", trace);
    return gunyah::Vm(std::move(device));
}

OpenedVm open_kernel(const std::string& path, const gunyah::TraceSink& trace,
                     const Profiler& profiler)
{
    if (profiler)
        throw Error("--profile is of the emulated device, and this would run on " + path +
                    "; use --set hypervisor=emulated");
    return {make_vm(gunyah::open_kernel_device(path.c_str()), trace), false};
}

hyp::Engine engine_of(config::Engine wanted)
{
    switch (wanted) {
    case config::Engine::Jit: return hyp::Engine::Jit;
    case config::Engine::Interpreter: return hyp::Engine::Interpreter;
    case config::Engine::Lockstep: return hyp::Engine::Lockstep;
    case config::Engine::Auto: break;
    }
    return hyp::Engine::Auto;
}

OpenedVm open_emulated(const config::Hypervisor& wanted, const gunyah::TraceSink& trace,
                       const Profiler& profiler)
{
    const bool production = wanted.resource_manager == config::ResourceManager::Production;
    const driver::DeviceOptions options{
        .personality = wanted.personality,
        .manner = production ? driver::Manner::Production : driver::Manner::Open,
        .engine = engine_of(wanted.engine),
        .strict_code = wanted.code == config::Code::Strict,
        .profiler = profiler};
    return {make_vm(driver::open_emulated_device(options), trace), true};
}

// A device that cannot be opened or speaks another language is a reason to emulate; one that
// refuses a VM is not: the person has a Gunyah and wants to know.
OpenedVm open_either(const config::Hypervisor& wanted, const gunyah::TraceSink& trace,
                     const Profiler& profiler)
{
    if (::access(wanted.path.c_str(), F_OK) != 0)
        return open_emulated(wanted, trace, profiler);
    try {
        return open_kernel(wanted.path, trace, profiler);
    } catch (const gunyah::NoSuchDevice& error) {
        log(LogLevel::Warn, "%s", error.what());
        log(LogLevel::Warn, "using the emulated Gunyah instead");
        return open_emulated(wanted, trace, profiler);
    }
}

}  // namespace

OpenedVm open_vm(const config::Hypervisor& wanted, const gunyah::TraceSink& trace,
                 const Profiler& profiler)
{
    switch (wanted.device) {
    case config::DeviceChoice::Kernel: return open_kernel(wanted.path, trace, profiler);
    case config::DeviceChoice::Emulated: return open_emulated(wanted, trace, profiler);
    case config::DeviceChoice::Auto: return open_either(wanted, trace, profiler);
    }
    return open_either(wanted, trace, profiler);
}

}  // namespace gh::machine
