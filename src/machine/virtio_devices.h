// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/poller.h"
#include "config/vm.h"
#include "control/status.h"
#include "devices/mmio_bus.h"
#include "devices/virtio/balloon.h"
#include "devices/virtio/console.h"
#include "devices/virtio/dma_memory.h"
#include "devices/virtio/mmio_transport.h"
#include "fdt/machine_tree.h"
#include "gunyah/vm.h"
#include "machine/folders.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace gh::machine {

/// Where the virtio devices of a configuration lie, each in a slot of its own: disks in their
/// order, network cards in theirs, then the others. VirtioDevices makes them in the same one.
[[nodiscard]] std::vector<fdt::MmioDevice> virtio_places(const config::Vm& vm);

/// What devices need of the machine beside memory.
struct VirtioHost {
    Poller& io;                 // does not run yet; the io thread's
    std::function<void()> end;  // what Ctrl-A x does
    const virtio::DmaMemory& memory;
    bool releases_memory;  // pages that the host takes back are the guest's no more
    Folders* folders;      // of a configuration that has some
};

/// The virtio devices of a machine and their transports.
class VirtioDevices {
public:
    /// Opens what they need of the host, which outlives it. Throws Error.
    VirtioDevices(const config::Vm& vm, const VirtioHost& host);

    [[nodiscard]] std::size_t size() const noexcept { return transports_.size(); }

    /// Puts them at their `places`, with an interrupt each and, where the kernel has them, an
    /// ioeventfd a queue. Throws Error.
    void attach(std::span<const fdt::MmioDevice> places, MmioBus& bus, gunyah::Vm& vm);

    /// After the vCPUs and before the VM goes: nothing of theirs touches guest memory any more.
    void stop() noexcept;
    /// After the io thread: what consoles have printed is written.
    void drain() noexcept;
    /// How many bytes of memory the guest is to give back; false: it has no balloon.
    [[nodiscard]] bool set_balloon(std::uint64_t bytes);
    /// Adds what devices and the console's `ports` have done. Any thread.
    void describe(control::Status& status, std::span<const config::Serial> ports) const;
    /// The terminal that gh-vmm runs in may have another size now.
    void look_at_terminal() noexcept;

private:
    virtio::Console* console_ = nullptr;  // these are among devices_, if there are any
    virtio::Balloon* balloon_ = nullptr;
    std::vector<std::unique_ptr<virtio::VirtioDevice>> devices_;
    std::vector<std::unique_ptr<virtio::MmioTransport>> transports_;
};

}  // namespace gh::machine
