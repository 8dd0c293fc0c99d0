// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

namespace gh::driver {

/// What one kernel generation's driver does differently from the others: the only place where
/// generations differ. Facts: gunyah-uapi.md section 2. A further generation is a further record,
/// and a field here for each difference that no field names yet.
struct Personality {
    std::string_view name;
    bool reclaim_region;   // VM ioctl RECLAIM_REGION exists
    bool map_cma_mem;      // VM ioctl MAP_CMA_MEM exists
    bool set_auth_type;    // VM ioctl SET_AUTH_TYPE exists; SET_FW_CONFIG keeps an earlier type
    bool strict_boot_reg;  // SET_BOOT_CONTEXT: register bits above 16 are EINVAL
    bool boot_after_resources;  // START sets boot registers after GET_HYP_RESOURCES, not before
};

inline constexpr Personality kAndroid15{
    .name = "android15",
    .reclaim_region = false,
    .map_cma_mem = false,
    .set_auth_type = false,
    .strict_boot_reg = false,
    .boot_after_resources = false,
};

inline constexpr Personality kAndroid16{
    .name = "android16",
    .reclaim_region = true,
    .map_cma_mem = true,
    .set_auth_type = true,
    .strict_boot_reg = true,
    .boot_after_resources = true,
};

/// Throws Error for an unknown name, or one whose generation is not emulated yet.
[[nodiscard]] const Personality& find_personality(std::string_view name);

}  // namespace gh::driver
