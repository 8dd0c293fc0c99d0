// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/inspect.h"

#include "gunyah/explain.h"
#include "gunyah/requests.h"

namespace gh::gunyah {
namespace {

// Of no generation, and of no other driver that could stand there.
constexpr std::uint32_t kUnknownRequest = 0x0000'47ff;

/// The vendor's driver says EINVAL where all others say ENOTTY (gunyah-uapi.md 1.1).
bool is_vendor(File& device)
{
    return device.ioctl(kUnknownRequest, 0).error == EINVAL;
}

bool knows(File& file, std::uint32_t request)
{
    return file.ioctl(request, 0).error != ENOTTY;
}

std::vector<Feature> features_of(File& device, File& vm)
{
    const bool wakes = call(device, kCheckExtension).value == 1;
    return {
        {"lent memory", knows(vm, GH_VM_ANDROID_LEND_USER_MEM)},
        {"guest memory files", knows(device, GUNYAH_CREATE_GUEST_MEM)},
        {"boot registers", knows(vm, GUNYAH_VM_SET_BOOT_CONTEXT)},
        {"protected VM firmware", knows(vm, GH_VM_ANDROID_SET_FW_CONFIG)},
        {"memory reclaim", knows(vm, GUNYAH_VM_RECLAIM_REGION)},
        {"contiguous memory", knows(vm, GUNYAH_VM_MAP_CMA_MEM)},
        {"authentication types", knows(vm, GUNYAH_VM_SET_AUTH_TYPE)},
        {"timer wake-ups by the owner", wakes},
    };
}

Inspection unusable(File& device, int error)
{
    Inspection found;
    found.vendor = error == EINVAL && is_vendor(device);
    if (found.vendor)
        found.obstacles.push_back(
            {true,
             "the device is the vendor's older Gunyah driver (type 0xB2), which starts only images "
             "that the maker of the phone signed, by their names",
             "use a kernel of android14-6.1 or later, or the emulated device"});
    else
        found.obstacles.push_back(
            {true, "no VM can be made: " + refusal(GH_CREATE_VM, "", error), ""});
    return found;
}

}  // namespace

Inspection inspect(File& device)
{
    const Reply made = call(device, kCreateVm);
    if (made.error != 0)
        return unusable(device, made.error);
    Inspection found;
    try {
        found.abi = &probe_abi(device, *made.file);
    } catch (const Error& error) {
        found.obstacles.push_back({true, error.what(), "update gh-vmm, or report this kernel"});
    }
    found.features = features_of(device, *made.file);
    if (found.abi != nullptr && found.abi->memory == MemoryCall::LentFlag)
        found.features.front().present = true;
    return found;
}

}  // namespace gh::gunyah
