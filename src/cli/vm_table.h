// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "control/status.h"

#include <string>
#include <vector>

namespace gh::cli {

/// A line for each VM below a line of headings, in columns.
[[nodiscard]] std::string list_text(const std::vector<control::Status>& vms);

/// All that a VM says of itself, a line each.
[[nodiscard]] std::string status_text(const control::Status& vm);

/// 93784 -> "1d 02:03:04", 65 -> "00:01:05".
[[nodiscard]] std::string uptime_text(double seconds);

}  // namespace gh::cli
