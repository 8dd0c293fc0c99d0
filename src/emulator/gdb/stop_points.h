// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/stop_points.h"
#include "emulator/gdb/arguments.h"

#include <optional>

namespace gh::gdb {

/// What Z and z name (GDB manual, appendix E.2): types 0 and 1 break, 2 watches writes, 3 reads, 4
/// both. The range's length is the size of what is watched, and the kind of a breakpoint, which
/// means nothing here.
struct PointRequest {
    unsigned type = 0;
    Range range;
};
inline constexpr unsigned kLastPointType = 4;

enum class Insert : bool { No, Yes };

/// `points` with that one or without it; what is there already, or is not there, is as asked.
/// Nothing: no such point can be, or there are too many.
[[nodiscard]] std::optional<cpu::StopPoints> changed(cpu::StopPoints points,
                                                     const PointRequest& request, Insert insert);

}  // namespace gh::gdb
