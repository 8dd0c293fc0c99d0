// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "base/poller.h"
#include "control/status.h"
#include "devices/mmio_bus.h"
#include "devices/serial_port.h"
#include "gunyah/vm.h"
#include "machine/ending.h"
#include "machine/host_parts.h"
#include "machine/open_vm.h"
#include "machine/plan.h"
#include "machine/platform_devices.h"
#include "machine/threads.h"
#include "machine/vcpu_loop.h"
#include "machine/virtio_devices.h"
#include "memory/guest_memory.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace gh::machine {

/// A whole machine. Its members are in boot order; going, they take it down in reverse: threads,
/// vCPUs, the VM (which gives lent memory back), devices, memory.
class Machine {
public:
    /// Everything up to, but without, START. `vm` and `parts` must outlive it. `opened_all` is
    /// called once all files are open, memory is given, which may want rights, and before there is
    /// a thread. Throws Error.
    Machine(
        const config::Vm& vm, Plan plan, OpenedVm opened, HostParts& parts,
        const std::function<void()>& opened_all = [] {});
    ~Machine();
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;

    // All below is called by the thread that owns the machine.

    /// Starts the guest. Once. Throws Error.
    void start();

    /// That it is to end: by whoever asks here, by the guest, or by a thread's failure.
    [[nodiscard]] Ending& ending() noexcept { return ending_; }

    /// Once the ending is requested: stops vCPUs and threads, and lets consoles have what the guest
    /// said last. Throws what a thread of the machine threw.
    [[nodiscard]] Outcome finish();

    /// Becomes readable when the guest has said what boot.ready asks for.
    [[nodiscard]] const EventFd& ready() const noexcept { return ready_; }

    /// Brings all vCPUs out of VCPU_RUN and keeps them out; time, and with it the guest's timers,
    /// goes on, as when a hypervisor does not schedule a VM, but its watchdog stands still. False,
    /// and nothing is paused, if one does not come out within seconds.
    [[nodiscard]] bool pause();
    void resume();
    /// Somebody else, a debugger, keeps the guest from running, or no longer. Any thread.
    void debugger_holds(bool held) noexcept;

    /// How many bytes of its memory the guest is to give back; false if it has no balloon.
    [[nodiscard]] bool set_balloon(std::uint64_t bytes);

    /// The terminal that gh-vmm runs in may have another size now.
    void terminal_resized() noexcept;

    /// Fills in what the machine knows.
    void describe(control::Status& status) const;

    /// What uses the machine from outside, a debugger's server, and goes before it.
    void accompany(std::shared_ptr<void> companion) { companion_ = std::move(companion); }

    /// Ends it, soon, with this outcome unless another was first. Any thread.
    void end(Outcome outcome) noexcept { ending_.request(std::move(outcome)); }

    /// Asks the guest to shut down, as somebody at the machine would. False: it has no button, or
    /// no driver for it. Any thread.
    [[nodiscard]] bool press_power_button() noexcept;

private:
    [[nodiscard]] std::function<void()> keyboard_end();
    void give_memory();
    void attach_devices();
    void place_boot();
    void start_threads();
    void stop_vcpus();
    void give_up();

    const config::Vm& config_;
    Plan plan_;
    Ending ending_;
    GuestMemory memory_;
    EventFd ready_;
    Poller poller_;
    std::vector<std::unique_ptr<SerialPort>> serial_;
    virtio::DmaMemory dma_;
    VirtioDevices virtio_;
    PlatformDevices platform_;
    MmioBus bus_;
    gunyah::Vm vm_;
    std::vector<std::unique_ptr<gunyah::Vcpu>> vcpus_;
    std::vector<std::unique_ptr<VcpuLoop>> loops_;  // of vcpus_, in their order
    Threads io_;
    Threads vcpu_threads_;
    std::shared_ptr<void> companion_;
};

}  // namespace gh::machine
