// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

namespace gh::differential {

struct EnginesOptions {
    std::uint64_t seed = 1;
    std::optional<std::uint64_t> block;  // only this one, and describe it
    std::optional<std::uint64_t> cases;  // stop after so many
    double seconds = 20;
    unsigned differences = 10;
    std::uint32_t threshold = 2;  // entries of a block before it is translated
};

/// T0 against T1 on random blocks; prints what differs and returns the exit status.
int compare_engines(const EnginesOptions& options);

}  // namespace gh::differential
