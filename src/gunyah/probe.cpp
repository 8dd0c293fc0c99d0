// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"
#include "gunyah/abi.h"
#include "gunyah/requests.h"

namespace gh::gunyah {
namespace {

constexpr bool table_is_in_order()
{
    for (std::size_t i = 0; i < kAbis.size(); ++i)
        if (kAbis.at(i).generation != static_cast<Generation>(i))
            return false;
    return true;
}
static_assert(table_is_in_order(), "abi_of() indexes by generation");

// Removing a region that was never added: v10 says that it is gone, later ones refuse size 0.
bool removes_regions(File& vm)
{
    const gh_userspace_memory_region nobody{.label = ~0u,
                                            .flags = GH_MEM_LENT,
                                            .guest_phys_addr = 0,
                                            .memory_size = 0,
                                            .userspace_addr = 0};
    return call(vm, kSetUserMemRegion, nobody).error == 0;
}

// Until v11 (and in early android14) removing a function that was never added succeeds.
bool misses_absent_functions(File& vm)
{
    const gh_fn_vcpu_arg absent{.id = ~0u};
    const gh_fn_desc function{.type = GH_FN_VCPU,
                              .arg_size = sizeof(absent),
                              .arg = std::bit_cast<std::uintptr_t>(&absent)};
    return call(vm, kRemoveFunction, function).error == ENOENT;
}

Generation android_generation(File& device, File& vm)
{
    if (probe(vm, kSetBootContext) != ENOTTY) {
        const bool cma = vm.ioctl(GUNYAH_VM_MAP_CMA_MEM, 0).error == EFAULT;
        const bool auth = vm.ioctl(GUNYAH_VM_SET_AUTH_TYPE, 0).error == EFAULT;
        const bool extensions = call(device, kCheckExtension).error == 0;
        return cma || auth || extensions ? Generation::Android16 : Generation::Android15;
    }
    const bool early = call(device, kTentativeUapi).error == 0;
    return early ? Generation::Android14Early : Generation::Android14;
}

}  // namespace

const Abi& probe_abi(File& device, File& vm)
{
    if (probe(device, kCreateGuestMem) == EFAULT)
        return abi_of(Generation::V15);
    if (const int user_memory = probe(vm, kSetUserMemRegion); user_memory == ENOTTY)
        throw Error("the device makes VMs but takes no memory by any request that gh-vmm knows (" +
                    std::string(kSetUserMemRegion.name) + ": " + errno_text(user_memory) +
                    "): its kernel is newer or older than every known generation");
    if (probe(vm, kLendUserMem) != ENOTTY)
        return abi_of(android_generation(device, vm));
    if (removes_regions(vm))
        return abi_of(Generation::V10);
    return abi_of(misses_absent_functions(vm) ? Generation::V12 : Generation::V11);
}

}  // namespace gh::gunyah
