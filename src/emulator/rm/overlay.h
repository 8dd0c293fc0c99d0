// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/rm/vm.h"
#include "fdt/vm_config.h"

#include <cstdint>
#include <span>
#include <vector>

namespace gh::rm {

/// The guest's devicetree as the Resource Manager patches it at VM_START: /hypervisor, /vsoc,
/// /reserved-memory, /memory from the parcels, kaslr-seed, the GIC if it had no address. Order of
/// nodes and properties as seen (golden/patched.dts). `blob` has been read into `tree` without a
/// refusal. Throws gh::Error for a tree that cannot be written.
[[nodiscard]] std::vector<std::byte> patch_tree(std::span<const std::byte> blob,
                                                const fdt::VmConfigTree& tree,
                                                const ImageConfig& config, std::uint16_t vmid,
                                                std::uint64_t kaslr_seed);

}  // namespace gh::rm
