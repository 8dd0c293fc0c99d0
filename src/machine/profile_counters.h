// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/profile.h"

#include <memory>
#include <string>
#include <vector>

namespace gh::machine {

/// The first tables of a run's report: what each vCPU has counted, a column each, and their sums.
[[nodiscard]] std::string profile_counters(
    const std::vector<std::unique_ptr<hyp::VcpuProfile>>& vcpus);

}  // namespace gh::machine
