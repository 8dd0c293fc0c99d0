// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/resource_manager.h"

#include "base/log.h"

namespace gh::rm {

Error ResourceManager::allocate(std::shared_ptr<Vm>& vm)
{
    const std::scoped_lock lock(mutex_);
    for (std::uint16_t vmid = kVmidFirst; vmid <= kVmidLast; ++vmid) {
        if (vms_.contains(vmid))
            continue;
        vm = std::make_shared<Vm>(vmid, policy_);
        vms_.emplace(vmid, vm);
        return Error::Ok;
    }
    log(LogLevel::Warn,
        "Resource Manager: all 63 vmids are taken; close VMs, or reopen the device if START of "
        "many VMs has failed");
    return Error::NoResource;
}

Error ResourceManager::deallocate(const Vm& vm)
{
    if (vm.state() != VmState::Load && vm.state() != VmState::Reset)
        return Error::VmState;
    const std::scoped_lock lock(mutex_);
    vms_.erase(vm.vmid());
    return Error::Ok;
}

Error ResourceManager::take_parcel()
{
    const std::scoped_lock lock(mutex_);
    if (parcels_ == kMaxParcels) {
        log(LogLevel::Warn,
            "Resource Manager: the host has given %zu regions of memory away, which is all it may; "
            "use fewer and larger ones",
            kMaxParcels);
        return Error::Denied;
    }
    ++parcels_;
    return Error::Ok;
}

void ResourceManager::take_parcels_back(std::size_t count)
{
    const std::scoped_lock lock(mutex_);
    parcels_ -= count;
}

}  // namespace gh::rm
