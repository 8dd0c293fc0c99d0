// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

/// The structures and numbers of /dev/gunyah as every kernel generation that has them spells them:
/// the only place where they stand. Names are the kernel's (GH_ of v10-v14, which v15 renamed
/// GUNYAH_ without changing a number).
namespace gh::gunyah {

struct gh_userspace_memory_region {
    std::uint32_t label;
    std::uint32_t flags;
    std::uint64_t guest_phys_addr;
    std::uint64_t memory_size;
    std::uint64_t userspace_addr;
};
static_assert(sizeof(gh_userspace_memory_region) == 32);

inline constexpr std::uint32_t GH_MEM_ALLOW_READ = 1;
inline constexpr std::uint32_t GH_MEM_ALLOW_WRITE = 2;
inline constexpr std::uint32_t GH_MEM_ALLOW_EXEC = 4;
inline constexpr std::uint32_t GH_MEM_LENT = 8;  // v10 alone

struct gh_vm_dtb_config {
    std::uint64_t guest_phys_addr;
    std::uint64_t size;
};
static_assert(sizeof(gh_vm_dtb_config) == 16);

struct gh_fn_desc {
    std::uint32_t type;
    std::uint32_t arg_size;
    std::uint64_t arg;
};
static_assert(sizeof(gh_fn_desc) == 16);

inline constexpr std::uint32_t GH_FN_VCPU = 1;
inline constexpr std::uint32_t GH_FN_IRQFD = 2;
inline constexpr std::uint32_t GH_FN_IOEVENTFD = 3;
inline constexpr std::uint32_t GH_FN_MAX_ARG_SIZE = 256;

struct gh_fn_vcpu_arg {
    std::uint32_t id;
};
static_assert(sizeof(gh_fn_vcpu_arg) == 4);

struct gh_fn_irqfd_arg {
    std::uint32_t fd;
    std::uint32_t label;
    std::uint32_t flags;
    std::uint32_t padding;
};
static_assert(sizeof(gh_fn_irqfd_arg) == 16);

inline constexpr std::uint32_t GH_IRQFD_FLAGS_LEVEL = 1;

struct gh_fn_ioeventfd_arg {
    std::uint64_t datamatch;
    std::uint64_t addr;
    std::uint32_t len;
    std::int32_t fd;
    std::uint32_t flags;
    std::uint32_t padding;
};
static_assert(sizeof(gh_fn_ioeventfd_arg) == 32);

inline constexpr std::uint32_t GH_IOEVENTFD_FLAGS_DATAMATCH = 1;

struct gunyah_vm_boot_context {
    std::uint32_t reg;  // set << 8 | index
    std::uint32_t reserved;
    std::uint64_t value;
};
static_assert(sizeof(gunyah_vm_boot_context) == 16);

inline constexpr std::uint32_t GUNYAH_REG_SET_X = 0;
inline constexpr std::uint32_t GUNYAH_REG_SET_PC = 1;
inline constexpr std::uint32_t GUNYAH_REG_SET_SP = 2;

struct gunyah_create_mem_args {
    std::uint64_t flags;
    std::uint64_t size;
    std::array<std::uint64_t, 6> reserved;
};
static_assert(sizeof(gunyah_create_mem_args) == 64);

struct gunyah_map_mem_args {
    std::uint64_t guest_addr;
    std::uint32_t flags;
    std::uint32_t guest_mem_fd;
    std::uint64_t offset;
    std::uint64_t size;
};
static_assert(sizeof(gunyah_map_mem_args) == 32);

inline constexpr std::uint64_t GUNYAH_GUEST_MEM_CLOEXEC = 1;
inline constexpr std::uint64_t GUNYAH_GUEST_MEM_ALLOW_HUGEPAGE = 2;

// v15-v17 alone: the Android headers give the same request other bits and never implement it.
inline constexpr std::uint32_t GUNYAH_MEM_FORCE_LEND = 1;
inline constexpr std::uint32_t GUNYAH_MEM_FORCE_SHARE = 2;
inline constexpr std::uint32_t GUNYAH_MEM_ALLOW_READ = 0x10;
inline constexpr std::uint32_t GUNYAH_MEM_ALLOW_WRITE = 0x20;
inline constexpr std::uint32_t GUNYAH_MEM_ALLOW_EXEC = 0x40;
inline constexpr std::uint32_t GUNYAH_MEM_UNMAP = 0x100;

struct gh_run_mmio {
    std::uint64_t phys_addr;
    std::array<std::uint8_t, 8> data;
    std::uint32_t len;
    std::uint8_t is_write;
    std::uint8_t resume_action;  // v15 and later; padding before
};

struct gh_vm_exit_info {
    std::uint16_t type;
    std::uint16_t padding;
    std::uint32_t reason_size;  // as the Resource Manager said it: may exceed 8
    std::array<std::uint8_t, 8> reason;
};

struct gh_run_status {
    std::uint32_t status;
    gh_vm_exit_info exit_info;
};

struct gh_run_page_fault {
    std::uint64_t phys_addr;
    std::int32_t attempt;
    std::uint8_t resume_action;
};

/// The page that a vCPU file shares with its VMM.
struct gh_vcpu_run {
    std::uint8_t immediate_exit;
    std::array<std::uint8_t, 7> padding;
    std::uint32_t exit_reason;
    std::uint32_t padding2;
    union {
        gh_run_mmio mmio;
        gh_run_status status;
        gh_run_page_fault page_fault;
    };
};
static_assert(sizeof(gh_vcpu_run) == 40);
static_assert(offsetof(gh_run_mmio, resume_action) == 37 - 16);
static_assert(offsetof(gh_run_status, exit_info) == 20 - 16);
static_assert(offsetof(gh_vm_exit_info, reason) == 28 - 20);
static_assert(offsetof(gh_run_page_fault, resume_action) == 28 - 16);

inline constexpr std::uint32_t GH_VCPU_EXIT_UNKNOWN = 0;
inline constexpr std::uint32_t GH_VCPU_EXIT_MMIO = 1;
inline constexpr std::uint32_t GH_VCPU_EXIT_STATUS = 2;
inline constexpr std::uint32_t GH_VCPU_EXIT_PAGE_FAULT = 3;

inline constexpr std::uint32_t GH_VM_STATUS_LOAD_FAILED = 1;
inline constexpr std::uint32_t GH_VM_STATUS_EXITED = 2;
inline constexpr std::uint32_t GH_VM_STATUS_CRASHED = 3;

inline constexpr std::uint8_t GUNYAH_VCPU_RESUME_HANDLED = 0;
inline constexpr std::uint8_t GUNYAH_VCPU_RESUME_FAULT = 1;
inline constexpr std::uint8_t GUNYAH_VCPU_RESUME_RETRY = 2;

// Request numbers: dir << 30 | size << 16 | type << 8 | nr.
inline constexpr std::uint32_t GH_CREATE_VM = 0x00004700;
inline constexpr std::uint32_t GH_VM_SET_USER_MEM_REGION = 0x40204701;
inline constexpr std::uint32_t GH_VM_SET_DTB_CONFIG = 0x40104702;
inline constexpr std::uint32_t GH_VM_START = 0x00004703;
inline constexpr std::uint32_t GH_VM_ADD_FUNCTION = 0x40104704;
inline constexpr std::uint32_t GH_VCPU_RUN = 0x00004705;
inline constexpr std::uint32_t GH_VCPU_MMAP_SIZE = 0x00004706;
inline constexpr std::uint32_t GH_VM_REMOVE_FUNCTION = 0x40104707;
inline constexpr std::uint32_t GUNYAH_CREATE_GUEST_MEM = 0x40404708;
inline constexpr std::uint32_t GUNYAH_VM_MAP_MEM = 0x40204709;
inline constexpr std::uint32_t GUNYAH_VM_SET_BOOT_CONTEXT = 0x4010470a;
inline constexpr std::uint32_t GH_ANDROID_TENTATIVE_UAPI = 0x00004110;
inline constexpr std::uint32_t GH_VM_ANDROID_LEND_USER_MEM = 0x40204111;
inline constexpr std::uint32_t GH_VM_ANDROID_SET_FW_CONFIG = 0x40104112;
inline constexpr std::uint32_t GUNYAH_VM_RECLAIM_REGION = 0x40104113;
inline constexpr std::uint32_t GUNYAH_VM_MAP_CMA_MEM = 0x40284115;
inline constexpr std::uint32_t GUNYAH_VM_SET_AUTH_TYPE = 0x40104116;
inline constexpr std::uint32_t GUNYAH_CHECK_EXTENSION = 0x00004117;

/// How a VM ended, as the Resource Manager numbers it (exit_info.type).
enum class ExitType : std::uint16_t {
    VmExit = 0,
    PlatformOff = 1,
    PlatformReset = 2,
    SystemReset2 = 3,
    WatchdogBite = 4,
    SoftwareError = 5,
    AsyncHwError = 6,
    StopForced = 7,
};

}  // namespace gh::gunyah
