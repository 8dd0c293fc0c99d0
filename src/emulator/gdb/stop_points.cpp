// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/gdb/stop_points.h"

#include <vector>

namespace gh::gdb {
namespace {

constexpr std::size_t kMostPoints = 256;

}  // namespace

std::optional<cpu::StopPoints> changed(cpu::StopPoints points, const PointRequest& request,
                                       Insert insert)
{
    const Range& range = request.range;
    if (request.type <= 1) {
        if (range.address % 4 != 0)
            return std::nullopt;
        std::erase(points.breakpoints, range.address);
        if (insert == Insert::Yes)
            points.breakpoints.push_back(range.address);
    } else {
        if (range.length == 0 || range.address + (range.length - 1) < range.address)
            return std::nullopt;
        const cpu::StopPoints::Watch watch{.start = range.address,
                                           .size = range.length,
                                           .on_read = request.type != 2,
                                           .on_write = request.type != 3};
        std::erase(points.watchpoints, watch);
        if (insert == Insert::Yes)
            points.watchpoints.push_back(watch);
    }
    if (points.breakpoints.size() + points.watchpoints.size() > kMostPoints)
        return std::nullopt;
    return points;
}

}  // namespace gh::gdb
