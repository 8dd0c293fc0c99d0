// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/requests.h"

namespace gh::gunyah {

std::string_view request_name(std::uint32_t number) noexcept
{
    switch (number) {
    case GH_CREATE_VM: return kCreateVm.name;
    case GH_VM_SET_USER_MEM_REGION: return kSetUserMemRegion.name;
    case GH_VM_ANDROID_LEND_USER_MEM: return kLendUserMem.name;
    case GH_VM_SET_DTB_CONFIG: return kSetDtbConfig.name;
    case GH_VM_START: return kStart.name;
    case GH_VM_ADD_FUNCTION: return kAddFunction.name;
    case GH_VM_REMOVE_FUNCTION: return kRemoveFunction.name;
    case GH_VCPU_RUN: return kVcpuRun.name;
    case GH_VCPU_MMAP_SIZE: return kVcpuMmapSize.name;
    case GUNYAH_CREATE_GUEST_MEM: return kCreateGuestMem.name;
    case GUNYAH_VM_MAP_MEM: return kMapMem.name;
    case GUNYAH_VM_SET_BOOT_CONTEXT: return kSetBootContext.name;
    case GH_ANDROID_TENTATIVE_UAPI: return kTentativeUapi.name;
    case GUNYAH_CHECK_EXTENSION: return kCheckExtension.name;
    case GH_VM_ANDROID_SET_FW_CONFIG: return "GH_VM_ANDROID_SET_FW_CONFIG";
    case GUNYAH_VM_RECLAIM_REGION: return "GUNYAH_VM_RECLAIM_REGION";
    case GUNYAH_VM_MAP_CMA_MEM: return "GUNYAH_VM_MAP_CMA_MEM";
    case GUNYAH_VM_SET_AUTH_TYPE: return "GUNYAH_VM_SET_AUTH_TYPE";
    default: return {};
    }
}

}  // namespace gh::gunyah
