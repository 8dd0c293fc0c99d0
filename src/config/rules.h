// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/document.h"
#include "config/parse.h"

namespace gh::config {

/// What no single value can be blamed for alone: regions that overlap, keys that exclude each
/// other, a command line that is too long. Values that were complained about are left in peace.
void check_rules(const Vm& vm, const Node& root, const Source& source, Complaints& complaints);

}  // namespace gh::config
