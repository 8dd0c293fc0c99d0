// SPDX-License-Identifier: BSD-3-Clause
#include "machine/open_vm.h"

#include "base/error.h"
#include "base/log.h"
#include "emulator/driver/device.h"

#include <unistd.h>

namespace gh::machine {
namespace {

gunyah::Vm make_vm(std::unique_ptr<gunyah::File> device, const gunyah::TraceSink& trace)
{
    if (trace)
        device = gunyah::trace_file(std::move(device), "device", trace);
    return gunyah::Vm(std::move(device));
}

OpenedVm open_kernel(const std::string& path, const gunyah::TraceSink& trace,
                     const Observers& observers)
{
    const char* const option = observers.profiler   ? "--profile"
                               : observers.debugger ? "--gdb"
                                                    : nullptr;
    if (option != nullptr)
        throw Error(option + (" is of the emulated device, and this would run on " + path) +
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
                       const Observers& observers)
{
    if (observers.debugger && wanted.engine == config::Engine::Lockstep)
        throw Error("--gdb stops the guest where --engine lockstep runs it twice; use another one");
    const bool production = wanted.resource_manager == config::ResourceManager::Production;
    const driver::DeviceOptions options{
        .personality = wanted.personality,
        .manner = production ? driver::Manner::Production : driver::Manner::Open,
        .engine = engine_of(wanted.engine),
        .strict_code = wanted.code == config::Code::Strict,
        .profiler = observers.profiler,
        .debugger = observers.debugger};
    return {make_vm(driver::open_emulated_device(options), trace), true};
}

// A device that cannot be opened or speaks another language is a reason to emulate; one that
// refuses a VM is not: the person has a Gunyah and wants to know.
OpenedVm open_either(const config::Hypervisor& wanted, const gunyah::TraceSink& trace,
                     const Observers& observers)
{
    if (::access(wanted.path.c_str(), F_OK) != 0)
        return open_emulated(wanted, trace, observers);
    try {
        return open_kernel(wanted.path, trace, observers);
    } catch (const gunyah::NoSuchDevice& error) {
        log(LogLevel::Warn, "%s", error.what());
        log(LogLevel::Warn, "using the emulated Gunyah instead");
        return open_emulated(wanted, trace, observers);
    }
}

}  // namespace

OpenedVm open_vm(const config::Hypervisor& wanted, const gunyah::TraceSink& trace,
                 const Observers& observers)
{
    switch (wanted.device) {
    case config::DeviceChoice::Kernel: return open_kernel(wanted.path, trace, observers);
    case config::DeviceChoice::Emulated: return open_emulated(wanted, trace, observers);
    case config::DeviceChoice::Auto: return open_either(wanted, trace, observers);
    }
    return open_either(wanted, trace, observers);
}

}  // namespace gh::machine
