// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/personality.h"

#include "base/error.h"

#include <array>
#include <string>

namespace gh::driver {
namespace {

constexpr Personality named(std::string_view name, Personality like)
{
    like.name = name;
    return like;
}

constexpr Personality kV10{
    .name = "v10",
    .lent_flag = true,
    .unique_labels = true,
    .pinning = Pinning::ForWriting,
    .vmid_at_create = true,
    .rounds_dtb = true,
    .dtb_within_region = true,
    .failure_is_final = true,
    .vcpu_id_by_value = true,
    .function_flags = false,
    .ioeventfd_wrap = true,
    .boolean_datamatch = true,
    .removal = Removal::Whole,
    .unknown_vcpu_request = EINVAL,
};

constexpr Personality kV11{
    .name = "v11",
    .unique_labels = true,
    .wrapped = WrappedRange::Overflow,
    .pinning = Pinning::ForWriting,
    .vmid_at_create = true,
    .rounds_dtb = true,
    .dtb_within_region = true,
    .failure_is_final = true,
    .ioeventfd_wrap = true,
    .boolean_datamatch = true,
    .removal = Removal::WholeOrEmpty,
    .unknown_vcpu_request = EINVAL,
};

constexpr Personality android14_early()
{
    Personality early = named("android14-early", kV11);
    early.android_calls = true;
    early.tentative_uapi = true;
    early.forgets_unstarted = true;
    return early;
}

constexpr Personality kV12{
    .name = "v12",
    .memory_owner = true,
    .unique_labels = true,
    .pinning = Pinning::AsFlagged,
    .memlock = true,
    .ioeventfd_wrap = true,
    .removal = Removal::ByKey,
    .unknown_vcpu_request = EINVAL,
};

constexpr Personality android14()
{
    Personality android = named("android14", kV12);
    android.android_calls = true;
    return android;
}

constexpr Personality kV15{
    .name = "v15",
    .user_memory = false,
    .guest_memory = true,
    .boot_context = true,
    .demand_paged = true,
    .resume_action = true,
    .resume_retry = true,
    .page_faults = true,
};

constexpr Personality kAndroid15{
    .name = "android15",
    .android_calls = true,
    .boot_context = true,
    .memory_owner = true,
    .wrapped = WrappedRange::Invalid,
    .pinning = Pinning::OnFault,
    .memlock = true,
    .demand_paged = true,
    .resume_action = true,
    .page_faults = true,
    .run_owner = true,
};

constexpr Personality android16()
{
    Personality android = named("android16", kAndroid15);
    android.reclaim_region = true;
    android.map_cma_mem = true;
    android.set_auth_type = true;
    android.strict_boot_reg = true;
    android.boot_after_resources = true;
    return android;
}

// v12 to v14 and v15 to v17 differ in nothing that a client has been seen to notice.
constexpr std::array kPersonalities{kV10,
                                    kV11,
                                    android14_early(),
                                    kV12,
                                    named("v13", kV12),
                                    named("v14", kV12),
                                    android14(),
                                    kV15,
                                    named("v16", kV15),
                                    named("v17", kV15),
                                    kAndroid15,
                                    android16()};

std::string names()
{
    std::string all;
    for (const Personality& personality : kPersonalities)
        all.append(all.empty() ? "" : ", ").append(personality.name);
    return all;
}

}  // namespace

std::span<const Personality> all_personalities() noexcept
{
    return kPersonalities;
}

const Personality& find_personality(std::string_view name)
{
    for (const Personality& personality : kPersonalities)
        if (personality.name == name)
            return personality;
    throw Error("personality '" + std::string(name) + "' of the emulated device does not exist; " +
                "there are " + names());
}

}  // namespace gh::driver
