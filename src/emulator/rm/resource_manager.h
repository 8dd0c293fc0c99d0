// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/rm/error.h"
#include "emulator/rm/vm.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

/// The emulated Resource Manager: the VM that owns all VMs. It reads a VM's devicetree by its
/// rules, refuses what it refuses, makes the hypervisor's VM from it and patches the guest's
/// devicetree (gunyah-guest-abi.md sections 1 and 5; golden/ where that differs). Every refusal is
/// a line on our log, which a phone's user never sees.
namespace gh::rm {

inline constexpr std::uint16_t kVmidFirst = 0x80;
inline constexpr std::uint16_t kVmidLast = 0xbe;

inline constexpr std::size_t kMaxParcels = 64;  // of one owner

/// The vmids of one machine. Any thread.
class ResourceManager {
public:
    explicit ResourceManager(Policy policy) : policy_(std::move(policy)) {}

    /// VM_ALLOC_VMID: the first free one of 63; NoResource when all are taken.
    Error allocate(std::shared_ptr<Vm>& vm);
    /// VM_DEALLOC_VMID. Refused (VmState) unless the VM is in LOAD or RESET: then the vmid is lost,
    /// as on the real thing.
    Error deallocate(const Vm& vm);

    /// MEM_LEND or MEM_SHARE by the host, which may have 64 parcels under way: else Denied.
    Error take_parcel();
    /// MEM_RECLAIM of so many.
    void take_parcels_back(std::size_t count);

private:
    Policy policy_;
    std::mutex mutex_;
    std::size_t parcels_ = 0;
    std::map<std::uint16_t, std::shared_ptr<Vm>> vms_;
};

}  // namespace gh::rm
