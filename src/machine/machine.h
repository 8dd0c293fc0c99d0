// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/poller.h"
#include "devices/mmio_bus.h"
#include "devices/serial_port.h"
#include "gunyah/vm.h"
#include "machine/ending.h"
#include "machine/open_vm.h"
#include "machine/plan.h"
#include "machine/platform_devices.h"
#include "machine/signals.h"
#include "machine/threads.h"
#include "machine/virtio_devices.h"
#include "memory/guest_memory.h"

#include <memory>
#include <vector>

namespace gh::machine {

/// A whole machine. Its members are in boot order; going, they take it down in reverse: threads,
/// vCPUs, the VM (which gives lent memory back), devices, memory.
class Machine {
public:
    /// Everything up to, but without, START. `signals` must outlive it. Throws Error.
    Machine(const config::Vm& vm, Plan plan, OpenedVm opened, const Signals& signals);
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    /// Starts the guest and waits for its end, in the thread that owns the machine. Throws what a
    /// thread of the machine threw. Once.
    [[nodiscard]] Outcome run();

    /// Makes run() return, soon, with this outcome unless another was first. Any thread.
    void end(Outcome outcome) noexcept { ending_.request(std::move(outcome)); }

    /// Asks the guest to shut down, as somebody at the machine would. False: it has no button. Any
    /// thread.
    [[nodiscard]] bool press_power_button() noexcept;

private:
    void give_memory();
    void attach_devices();
    void place_boot();
    void start_threads();
    void wait_for_end();
    void take_signal();
    void stop_vcpus();
    void give_up();

    const Signals& signals_;
    Plan plan_;
    Ending ending_;
    GuestMemory memory_;
    Poller poller_;
    std::vector<std::unique_ptr<SerialPort>> serial_;
    virtio::DmaMemory dma_;
    VirtioDevices virtio_;
    PlatformDevices platform_;
    MmioBus bus_;
    gunyah::Vm vm_;
    std::vector<std::unique_ptr<gunyah::Vcpu>> vcpus_;
    Threads io_;
    Threads vcpu_threads_;
};

}  // namespace gh::machine
