// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/vm_config.h"

#include <string>
#include <vector>

namespace gh::fdt {

/// What the tree will meet. Without parcels, one image parcel of RAM as /memory says is assumed.
struct LintContext {
    Platform platform{8, 0x20'0000};
    std::vector<Parcel> parcels;
};

/// Every rule of the Resource Manager that the tree in `blob` breaks, and every place where it does
/// other than the tree says, in the order in which it comes upon them.
[[nodiscard]] std::vector<Finding> lint(Bytes blob, const LintContext& context);

/// "error: base-address: /gunyah-vm-config/memory: ..." for a person.
[[nodiscard]] std::string to_string(const Finding& finding);

}  // namespace gh::fdt
