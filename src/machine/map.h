// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "machine/plan.h"

#include <string>

namespace gh::machine {

/// The guest-physical map as a table for people: one line per stretch, by address.
[[nodiscard]] std::string map_table(const Plan& plan);

/// The same as JSON: {"map": [{"address": "0x...", "size": bytes, "what", "details"}]},
/// devices with "spi" and "intid" as well.
[[nodiscard]] std::string map_json(const Plan& plan);

}  // namespace gh::machine
