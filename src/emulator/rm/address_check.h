// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/rm/vm.h"
#include "fdt/vm_config.h"

#include <optional>
#include <string>

namespace gh::rm {

struct Refusal {
    Error error = Error::Ok;
    std::string reason;
};

/// What VM_START refuses of parcels that go where their owner says: base-address not usable, memory
/// over the GIC, the info page or beyond the address space, an image in the MMIO window,
/// reserved-memory or shm nodes without their parcel, an overlay that does not fit.
[[nodiscard]] std::optional<Refusal> check_addresses(const fdt::VmConfigTree& tree,
                                                     const ImageConfig& config);

/// The parcel a reserved-memory node speaks of: by its exact range, or by label; never the image.
/// Two parcels may have one label, so the address has to agree where the node says one.
[[nodiscard]] const Parcel* find_parcel(const fdt::ReservedMemory& node, const ImageConfig& config);
/// The parcel of a shm vdevice, likewise by label.
[[nodiscard]] const Parcel* find_parcel(const fdt::ShmNode& node, const ImageConfig& config);

}  // namespace gh::rm
