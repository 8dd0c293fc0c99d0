// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/personality.h"

#include "base/error.h"

#include <algorithm>
#include <array>
#include <string>

namespace gh::driver {
namespace {

constexpr std::array kPersonalities{&kAndroid15, &kAndroid16};

// Generations of gunyah-uapi.md section 0 that have no record yet.
constexpr std::array<std::string_view, 9> kNotYet{"v10", "v11", "v12", "v13",      "v14",
                                                  "v15", "v16", "v17", "android14"};

}  // namespace

const Personality& find_personality(std::string_view name)
{
    for (const Personality* personality : kPersonalities)
        if (personality->name == name)
            return *personality;
    const bool known = std::find(kNotYet.begin(), kNotYet.end(), name) != kNotYet.end();
    throw Error("personality '" + std::string(name) + "' of the emulated device " +
                (known ? "is not emulated yet" : "does not exist") +
                "; use android15 or android16");
}

}  // namespace gh::driver
