// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <cstdint>
#include <span>
#include <string_view>

namespace gh::driver {

/// What becomes of guest memory that reaches beyond 2^64.
enum class WrappedRange : std::uint8_t {
    Accepted,  // the test is not there, or has no effect
    Overflow,  // EOVERFLOW
    Invalid,   // EINVAL
};

/// What SET_USER_MEM_REGION does to the host's pages.
enum class Pinning : std::uint8_t {
    None,        // nothing: the driver made them
    ForWriting,  // pins them all, writable whatever the flags say
    AsFlagged,   // pins them all, writable if the guest may write
    OnFault,     // nothing: each is pinned as the guest touches it, and must be swap-backed
};

/// How REMOVE_FUNCTION finds a function.
enum class Removal : std::uint8_t {
    Whole,         // by all bytes of the argument, or its value if it has no bytes; always 0
    WholeOrEmpty,  // likewise, but an argument without bytes is 0 and does nothing
    ByKey,         // by vCPU id, irqfd label, ioeventfd address; ENOENT; without bytes 0
    Exact,         // by all that matters of an argument of the right size; ENOENT
};

/// What one kernel generation's driver does differently from the others: the only place where
/// generations differ. Facts: gunyah-uapi.md sections 1 and 2. A further generation is a further
/// record, and a field here for each difference that no field names yet.
struct Personality {
    std::string_view name;

    // Requests that exist (1.1).
    bool user_memory = true;      // SET_USER_MEM_REGION
    bool android_calls = false;   // ANDROID_LEND_USER_MEM and ANDROID_SET_FW_CONFIG
    bool tentative_uapi = false;  // the device's ANDROID_TENTATIVE_UAPI
    bool guest_memory = false;    // CREATE_GUEST_MEM and MAP_MEM
    bool boot_context = false;    // SET_BOOT_CONTEXT
    bool reclaim_region = false;  // ANDROID_RECLAIM_REGION
    bool map_cma_mem = false;     // ANDROID_MAP_CMA_MEM
    bool set_auth_type = false;   // SET_AUTH_TYPE; SET_FW_CONFIG keeps an earlier type

    // Memory (2.2).
    bool lent_flag = false;     // bit 3 of the flags lends, and size 0 removes the label's region
    bool memory_owner = false;  // only the process that made the VM adds memory: else EPERM
    bool unique_labels = false;
    WrappedRange wrapped = WrappedRange::Accepted;
    Pinning pinning = Pinning::None;
    bool memlock = false;  // pinned pages count against RLIMIT_MEMLOCK

    // START and before it (2.1, 2.4, 2.6).
    bool vmid_at_create = false;     // CREATE_VM asks for the vmid, not START
    bool forgets_unstarted = false;  // closing a VM that was never started loses its vmid
    bool rounds_dtb = false;         // SET_DTB_CONFIG makes whole pages of its size
    bool dtb_within_region = false;  // else any overlap with a region will do (or see below)
    // Memory comes as the guest touches it, keeps its guest address, and may be added after START
    // (2.2, 2.3); START gives the devicetree's range, of whole pages.
    bool demand_paged = false;
    bool failure_is_final = false;      // a failed START leaves INIT_FAILED, however far it came
    bool strict_boot_reg = false;       // SET_BOOT_CONTEXT: register bits above 16 are EINVAL
    bool boot_after_resources = false;  // START sets boot registers after GET_HYP_RESOURCES

    // Functions (2.5).
    bool vcpu_id_by_value = false;   // the argument of a vCPU is its id, of size 0
    bool function_flags = true;      // unknown flags of irqfds and ioeventfds are EINVAL
    bool ioeventfd_wrap = false;     // an ioeventfd whose address and length wrap is EINVAL
    bool boolean_datamatch = false;  // datamatch is kept as whether it is 0
    Removal removal = Removal::Exact;

    // vCPUs (2.7, 2.8).
    int unknown_vcpu_request = ENOTTY;
    bool resume_action = false;  // byte 37 of the run page is read
    bool resume_retry = false;   // and may say RETRY
    bool page_faults = false;    // exit reason 3 exists
    bool run_owner = false;      // only the process that made the VM runs its vCPUs: else EPERM
};

/// The record of a generation by its name. Throws Error for an unknown one.
[[nodiscard]] const Personality& find_personality(std::string_view name);

/// All of them, oldest first; android kernels beside the series that they come from.
[[nodiscard]] std::span<const Personality> all_personalities() noexcept;

}  // namespace gh::driver
