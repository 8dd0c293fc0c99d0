// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/rm/vm.h"

namespace gh::rm {

/// The hypervisor's VM that a devicetree describes, for a machine of this policy: vCPUs, GIC,
/// doorbells, message queues and the capabilities for them. Its memory, its registers at boot and
/// who is told of its end are still to be said.
[[nodiscard]] hyp::VmConfig hypervisor_config(const fdt::VmConfigTree& tree, const Policy& policy);

}  // namespace gh::rm
