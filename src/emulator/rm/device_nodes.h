// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/rm/capabilities.h"
#include "fdt/tree.h"
#include "fdt/vm_config.h"

#include <cstdint>
#include <string>

namespace gh::rm {

/// The nodes of doorbells and message queues below /hypervisor, with their capabilities
/// (gunyah-guest-abi.md 1.8; golden/dtb/patched). Throws gh::Error where `generate` asks for what
/// cannot be.
void add_device_nodes(fdt::Tree& tree, fdt::Offset hypervisor, const fdt::VmConfigTree& config,
                      const Capabilities& capabilities);

/// The name that `generate` asks for below /hypervisor. `path`: of the node that asks.
[[nodiscard]] std::string generated_name(const std::string& path, const std::string& generate);
/// "bell-4@1".
[[nodiscard]] std::string with_unit(const std::string& name, std::uint64_t unit);
void set_label(fdt::Tree& tree, fdt::Offset at, std::uint32_t label);

}  // namespace gh::rm
