// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/jit/unit.h"

#include <cstdint>

namespace gh::jit {

/// The V registers, a bit each, that are worth keeping in host registers all through a loop of
/// these items; none if the last does not lead back to the first, if the loop calls handlers for V
/// registers, or if there are more than have homes. A guess that costs time where it is wrong.
[[nodiscard]] std::uint32_t loop_vectors(const Items& items) noexcept;

}  // namespace gh::jit
