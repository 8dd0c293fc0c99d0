// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/configuration.h"
#include "machine/plan.h"

namespace gh::cli {

/// Reads the headers of kernel and initrd. What is no kernel, or too large for the memory, is a
/// mistake of the configuration like any other: throws ConfigError with its place.
void check_images(const config::Configuration& configuration);

/// The machine that a configuration describes, its images checked. Throws ConfigError.
[[nodiscard]] machine::Plan plan_config(const config::Configuration& configuration);

/// Tells on stderr, a line each, which rules of the Resource Manager the devicetree breaks and what
/// real firmware makes of that. True if the VM would not start.
bool warn_of_findings(const machine::Plan& plan);

}  // namespace gh::cli
