// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/abi.h"

#include <string>
#include <vector>

namespace gh::gunyah {

/// Something in this system that stops VMs, or limits them, and what a person can do about it.
struct Obstacle {
    bool fatal = false;  // no VM can be made; else: some VMs cannot, or are worse off
    std::string what;
    std::string remedy;
};

/// A request beyond those that every generation has, and whether this kernel has it.
struct Feature {
    const char* name;  // as people call it: "memory reclaim"
    bool present = false;
};

/// What is known of an open device.
struct Inspection {
    const Abi* abi = nullptr;  // none: a device that gh-vmm cannot use, see obstacles
    bool vendor = false;       // the older driver of type 0xB2
    std::vector<Feature> features;
    std::vector<Obstacle> obstacles;
};

/// Makes a VM of the device, asks which requests it knows, and closes it: nothing is given to it
/// and nothing started (gunyah-uapi.md 1.5). Never throws for what a device answers.
[[nodiscard]] Inspection inspect(File& device);

}  // namespace gh::gunyah
