// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/explain.h"

#include "gunyah/requests.h"

#include <algorithm>
#include <array>

namespace gh::gunyah {
namespace {

constexpr std::uint32_t kAny = 0;  // no request of the family has this number

struct Row {
    std::uint32_t request;
    int error;
    std::string_view why;
};

// First row that fits wins. Reasons: gunyah-uapi.md 2.1 to 2.8; what people met on phones:
// peers.md 3.
constexpr std::array kRows{
    Row{GH_CREATE_VM, EINVAL,
        "this is the vendor's older Gunyah driver (type 0xB2), which runs only images that the "
        "phone's maker signed. Use a kernel of android14-6.1 or later, or set hypervisor.device to "
        "\"emulated\"."},
    Row{GH_CREATE_VM, ENOTTY, "this file is no Gunyah device. Check hypervisor.path."},
    Row{GH_CREATE_VM, ENODEV,
        "the Resource Manager has no VM number left: VMs that could not be taken down keep theirs "
        "until the phone restarts. Restart it."},
    Row{GH_CREATE_VM, EPERM, "the Resource Manager does not let this system make VMs."},
    Row{GH_CREATE_VM, EBADMSG,
        "the Resource Manager refused to give a VM number. Look at dmesg for what it said."},

    Row{GH_VM_SET_USER_MEM_REGION, EEXIST,
        "another region has the same label or covers some of the same guest addresses. Give each "
        "entry of memory.regions its own label and addresses (gh-vmm map shows them)."},
    Row{GH_VM_ANDROID_LEND_USER_MEM, EEXIST,
        "another region has the same label or covers some of the same guest addresses. Give each "
        "entry of memory.regions its own label and addresses (gh-vmm map shows them)."},
    Row{GH_VM_SET_USER_MEM_REGION, ENOMEM,
        "the kernel could not pin the guest's memory: RLIMIT_MEMLOCK is smaller than the guest, or "
        "the host has too little free memory (android14-6.1 also fails above some 2 GB). Run as "
        "root or raise `ulimit -l`; else make memory.size smaller."},
    Row{GH_VM_ANDROID_LEND_USER_MEM, ENOMEM,
        "the kernel could not pin the guest's memory: RLIMIT_MEMLOCK is smaller than the guest, or "
        "the host has too little free memory (android14-6.1 also fails above some 2 GB). Run as "
        "root or raise `ulimit -l`; else make memory.size smaller."},
    Row{GH_VM_SET_USER_MEM_REGION, EFAULT,
        "the kernel could not pin every page of the region: a file behind it is read-only or "
        "shorter than the region."},
    Row{GH_VM_ANDROID_LEND_USER_MEM, EFAULT,
        "the kernel could not pin every page of the region: a file behind it is read-only or "
        "shorter than the region."},
    Row{GH_VM_SET_USER_MEM_REGION, EINVAL,
        "an address or a size of the region is no multiple of the host's page size (which may be "
        "16 or 64 KiB), or the region may be neither read, written nor executed."},
    Row{GH_VM_ANDROID_LEND_USER_MEM, EINVAL,
        "an address or a size of the region is no multiple of the host's page size (which may be "
        "16 or 64 KiB), or the region may be neither read, written nor executed."},
    Row{GH_VM_SET_USER_MEM_REGION, EOVERFLOW,
        "the region reaches beyond the end of the guest's address space."},
    Row{GH_VM_SET_USER_MEM_REGION, EOPNOTSUPP,
        "this hypervisor was built without memory extents, so that no VM can be given memory."},
    Row{GUNYAH_CREATE_GUEST_MEM, ENOMEM,
        "the host has too little free memory. Make memory.size smaller."},
    Row{GUNYAH_VM_MAP_MEM, EEXIST,
        "another region covers some of the same guest addresses (gh-vmm map shows them)."},
    Row{GUNYAH_VM_MAP_MEM, EINVAL,
        "the region is not aligned to pages, or this host cannot unmap single pages for lending "
        "(boot it with rodata=full)."},

    Row{GH_VM_ADD_FUNCTION, ENOENT,
        "the kernel's module for this function is not loaded. Load gunyah_vcpu, gunyah_irqfd and "
        "gunyah_ioeventfd."},
    Row{GH_VM_ADD_FUNCTION, EEXIST,
        "the VM has that vCPU or that doorbell label already: two devices share a label."},
    Row{GH_VM_ADD_FUNCTION, EMFILE, "this process has too many open files. Raise `ulimit -n`."},
    Row{GH_VM_ADD_FUNCTION, EOPNOTSUPP,
        "this hypervisor was built without vCPUs that an owner may run."},
    Row{GH_VM_ADD_FUNCTION, EINVAL,
        "the kernel wants another form of this function than its generation should. Please report "
        "this with the output of --trace-ioctls and of uname -r."},

    Row{GH_VM_START, ENODEV,
        "the Resource Manager refused the VM at its last step (this errno stands for several of "
        "its "
        "answers, and newer drivers hide the first one behind it). Look at dmesg for \"RM rejected "
        "message\". Usual reasons: production firmware wants RAM lent (memory.sharing \"lend\") "
        "and "
        "all of read, write and execute; a devicetree that it does not accept (gh-vmm dtb lists "
        "what it breaks); no VM number left after failed VMs (restart the phone); on SM8650 the "
        "kernel's known SCM VMID bug."},
    Row{GH_VM_START, EINVAL,
        "the devicetree does not lie in memory that the VM was given, or the Resource Manager "
        "found "
        "it wrong. `gh-vmm dtb` lists every rule that a tree breaks."},
    Row{GH_VM_START, ENOENT,
        "the devicetree does not lie in memory that the VM was given (gh-vmm map shows both)."},
    Row{GH_VM_START, EPERM,
        "the Resource Manager denied it: a VM may have 64 regions at most and they may not be "
        "another's, or lent memory is still mapped by the host."},
    Row{GH_VM_START, ENOMEM,
        "the Resource Manager or the kernel ran out of memory, or RLIMIT_MEMLOCK is smaller than "
        "the guest. Make memory.size smaller, free host memory or raise `ulimit -l`."},
    Row{GH_VM_START, EFAULT,
        "the kernel could not pin the pages around the devicetree: a file behind them is read-only "
        "or too short."},
    Row{GH_VM_START, EBADMSG,
        "the Resource Manager answered an error that the driver does not know, mostly that the VM "
        "is in the wrong state. Look at dmesg; a VM that failed before may need a restart of the "
        "phone."},
    Row{GH_VM_START, EOPNOTSUPP,
        "the Resource Manager is older than the kernel and lacks a call that it needs (demand "
        "paging). Use a kernel of the firmware's generation."},
    Row{GH_VM_START, EBUSY, "the Resource Manager is busy with another VM. Try again."},

    Row{GUNYAH_VM_SET_BOOT_CONTEXT, EINVAL,
        "the VM has been started already, or the kernel does not know that register."},
    Row{GH_VCPU_RUN, ENODEV,
        "the vCPU is not there: the VM never started, or its devicetree has fewer CPUs than it was "
        "given."},
    Row{GH_VCPU_RUN, EPERM, "a vCPU runs only in the process that made its VM."},
    Row{GH_VCPU_RUN, EINVAL,
        "the hypervisor reported a state of the vCPU that the driver does not know. Look at "
        "dmesg."},
    Row{GH_VCPU_RUN, EIO, "the hypervisor failed to run the vCPU. Look at dmesg."},

    Row{kAny, EPERM,
        "the VM belongs to another process (a fork?), or the Resource Manager denies it."},
    Row{kAny, ENOTTY,
        "this kernel does not have the request: its generation was taken for another. Please "
        "report "
        "this with the output of --trace-ioctls and of uname -r."},
    Row{kAny, ENOMEM, "the host has too little free memory, or RLIMIT_MEMLOCK is too small."},
    Row{kAny, EMFILE, "this process has too many open files. Raise `ulimit -n`."},
    Row{kAny, ENFILE, "the host has too many open files."},
    Row{kAny, EBADMSG, "the Resource Manager's answer was not understood. Look at dmesg."},
    Row{kAny, ENODEV, "the VM is in the wrong state for it, mostly after an earlier failure."},
    Row{kAny, 0,
        "no reason is known; look at dmesg for what the driver and the Resource Manager said, and "
        "run again with --trace-ioctls."},
};

}  // namespace

std::string_view explain(std::uint32_t request, int error) noexcept
{
    const auto fits = [&](const Row& row) {
        return (row.request == request || row.request == kAny) &&
               (row.error == error || row.error == 0);
    };
    return std::find_if(kRows.begin(), kRows.end(), fits)->why;
}

const char* explain_end(std::uint16_t exit_type) noexcept
{
    switch (static_cast<ExitType>(exit_type)) {
    case ExitType::VmExit: return "the guest ended";
    case ExitType::PlatformOff: return "the guest powered off";
    case ExitType::PlatformReset: return "the guest asked for a reset";
    case ExitType::SystemReset2: return "the guest asked for a reset of its own kind";
    case ExitType::WatchdogBite: return "the guest's watchdog bit";
    case ExitType::SoftwareError: return "the guest crashed: one of its CPUs could not go on";
    case ExitType::AsyncHwError: return "the guest crashed on an asynchronous external abort";
    case ExitType::StopForced: return "the VM was stopped by force";
    }
    return "the guest ended in a way that gh-vmm does not know";
}

std::string refusal(std::uint32_t request, const std::string& object, int error)
{
    return std::string(request_name(request)) + (object.empty() ? "" : " for " + object) + ": " +
           errno_text(error) + ": " + std::string(explain(request, error));
}

void throw_refused(std::uint32_t request, const std::string& object, int error)
{
    throw Error(refusal(request, object, error));
}

}  // namespace gh::gunyah
