// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/slots.h"

#include <array>
#include <string_view>

/// The keys of what runs the VM: keys.cpp puts them into the file. The words of an enumeration
/// stand in its order.
namespace gh::config {

inline constexpr std::array<std::string_view, 3> kDeviceChoices{"auto", "kernel", "emulated"};
inline constexpr std::array<std::string_view, 12> kPersonalities{
    "v10", "v11", "android14-early", "v12",      "v13", "v14", "android14", "v15",
    "v16", "v17", "android15",       "android16"};
inline constexpr std::array<std::string_view, 2> kResourceManagers{"open", "production"};
inline constexpr std::array<std::string_view, 4> kEngines{"auto", "jit", "interpreter", "lockstep"};
inline constexpr std::array<std::string_view, 2> kCodes{"contract", "strict"};

inline constexpr std::array kHypervisorKeys{
    Key{.name = "device",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::device>,
        .help = "The kernel's Gunyah driver, the emulated Gunyah within gh-vmm, or (auto) the "
                "first if it is there, else the second.",
        .choices = kDeviceChoices},
    Key{.name = "path",
        .kind = Kind::Path,
        .slot = kValue<&Hypervisor::path>,
        .help = "The device file of the kernel's driver."},
    Key{.name = "personality",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::personality>,
        .help = "Which kernel's Gunyah driver the emulated device behaves like.",
        .choices = kPersonalities},
    Key{.name = "resource_manager",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::resource_manager>,
        .help = "Whether the emulated Resource Manager accepts shared RAM (open) or demands lent "
                "RAM, as those of phones do (production).",
        .choices = kResourceManagers},
    Key{.name = "engine",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::engine>,
        .help = "What executes the guest on the emulated device: host code made from it (jit), "
                "the interpreter, (auto) the first where the host allows it, or (lockstep, for "
                "developers) both, compared all the time.",
        .choices = kEngines},
    Key{.name = "code",
        .kind = Kind::Choice,
        .slot = kValue<&Hypervisor::code>,
        .help = "Whether the emulated device trusts the guest to say by cache maintenance that its "
                "code changed, as the architecture asks (contract), or watches all stores, which "
                "costs time (strict).",
        .choices = kCodes},
};

}  // namespace gh::config
