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

}  // namespace gh::rm
