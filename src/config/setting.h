// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/document.h"

#include <string>

namespace gh::config {

/// Puts "memory.size=2GiB" into the tree of a file, as if it had been written there. The value is
/// JSON, or else a text without quotes; an empty one takes the key away. Short forms on the way
/// are made long; "serial.1.type" names a list's element, the number after the last a new one.
void apply_setting(Node& root, const std::string& setting, Complaints& complaints);

}  // namespace gh::config
