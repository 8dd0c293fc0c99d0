// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "devices/mmio_bus.h"
#include "devices/virtio/dma_memory.h"
#include "devices/virtio/mmio_transport.h"
#include "fdt/machine_tree.h"
#include "gunyah/vm.h"

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace gh::machine {

/// Where the virtio devices of a configuration lie, each in a slot of its own: disks in their
/// order, then the others. VirtioDevices makes them in the same one.
[[nodiscard]] std::vector<fdt::MmioDevice> virtio_places(const config::Vm& vm);

/// The virtio devices of a machine and their transports.
class VirtioDevices {
public:
    /// Opens what they need of the host. `memory` outlives it. Throws Error.
    VirtioDevices(const config::Vm& vm, const virtio::DmaMemory& memory);

    [[nodiscard]] std::size_t size() const noexcept { return transports_.size(); }

    /// Puts them at their `places`, with an interrupt each and, where the kernel has them, an
    /// ioeventfd a queue. Throws Error.
    void attach(std::span<const fdt::MmioDevice> places, MmioBus& bus, gunyah::Vm& vm);

    /// After the vCPUs and before the VM goes: nothing of theirs touches guest memory any more.
    void stop() noexcept;

private:
    std::vector<std::unique_ptr<virtio::VirtioDevice>> devices_;
    std::vector<std::unique_ptr<virtio::MmioTransport>> transports_;
};

}  // namespace gh::machine
