// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace gh::config {

/// The JSON Schema (draft 2020-12) of a configuration, from the same table as the reader.
[[nodiscard]] std::string schema();

}  // namespace gh::config
