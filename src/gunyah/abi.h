// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/file.h"

#include <array>
#include <cstdint>

namespace gh::gunyah {

/// Kernel generations that a VMM must tell apart (gunyah-uapi.md 0).
enum class Generation { V10, V11, Android14Early, V12, Android14, V15, Android15, Android16 };

/// Which request gives memory to a VM, and how it says "lend".
enum class MemoryCall {
    LentFlag,   // SET_USER_MEM_REGION, bit 3 of its flags lends
    ShareOnly,  // SET_USER_MEM_REGION; nothing lends
    LendCall,   // SET_USER_MEM_REGION shares, ANDROID_LEND_USER_MEM lends
    GuestMem,   // CREATE_GUEST_MEM makes it, MAP_MEM gives it
};

/// What a VMM needs to know of one generation: all that differs between them, and the only place
/// where it stands. Chosen once, when the device is opened.
struct Abi {
    Generation generation;
    const char* name;
    const char* seen_in;
    bool vcpu_id_by_value;  // the id stands in fn_desc.arg itself, arg_size 0
    MemoryCall memory;
    bool honours_addresses;   // else the Resource Manager places each parcel as it likes
    std::uint64_t max_chunk;  // bytes to give in one call; 0: whole regions
    bool unique_labels;       // a second region with the same label is EEXIST
    bool resume_action;       // byte 37 of the run page is read
    bool page_faults;         // exit reason 3 exists
    bool memlock_accounted;   // guest memory counts against RLIMIT_MEMLOCK
    bool boot_context;        // SET_BOOT_CONTEXT exists
};

inline constexpr std::uint64_t kChunk = 256ull << 20;

// One call pins its whole region where memory is pinned, and the 6.1 kernel allocates the list of
// its pages in one piece; but there the Resource Manager chooses where a second parcel goes, so
// RAM must be one region all the same (real-gunyah.md). Chunks are for those that may have them.
// clang-format off
inline constexpr std::array kAbis{
    //                               name             seen in                          vcpu   memory call             honours chunk  unique resume faults memlock boot
    Abi{Generation::V10,            "v10",            "the series of 2023-02-14",       true,  MemoryCall::LentFlag,  false, 0,      true,  false, false, false, false},
    Abi{Generation::V11,            "v11",            "the series of 2023-03-03",       false, MemoryCall::ShareOnly, false, 0,      true,  false, false, false, false},
    Abi{Generation::Android14Early, "android14-early","early android14-6.1 kernels",    false, MemoryCall::LendCall,  false, 0,      true,  false, false, false, false},
    Abi{Generation::V12,            "v12-v14",        "the series of 2023-04 to 06",    false, MemoryCall::ShareOnly, false, 0,      true,  false, false, true,  false},
    Abi{Generation::Android14,      "android14",      "android14-6.1 kernels",          false, MemoryCall::LendCall,  false, 0,      true,  false, false, true,  false},
    Abi{Generation::V15,            "v15-v17",        "the series of 2023-12 to 2024-02",false, MemoryCall::GuestMem, true,  kChunk, false, true,  true,  false, true},
    Abi{Generation::Android15,      "android15",      "android15-6.6 kernels",          false, MemoryCall::LendCall,  true,  kChunk, false, true,  true,  true,  true},
    Abi{Generation::Android16,      "android16",      "android16-6.12 and later",       false, MemoryCall::LendCall,  true,  kChunk, false, true,  true,  true,  true},
};
// clang-format on

[[nodiscard]] constexpr const Abi& abi_of(Generation generation)
{
    return kAbis[static_cast<std::size_t>(generation)];
}

/// Decides the generation from what `device` and a fresh `vm` of it answer (gunyah-uapi.md 1.5).
/// Leaves no trace in either. Throws Error if the answers fit no generation.
[[nodiscard]] const Abi& probe_abi(File& device, File& vm);

}  // namespace gh::gunyah
