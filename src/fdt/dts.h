// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/view.h"

#include <string>

namespace gh::fdt {

/// The tree as devicetree source: order kept, text as text, numbers as hexadecimal cells, anything
/// else as bytes. dtc makes the same tree of it. Throws Error for a blob that is no tree.
[[nodiscard]] std::string to_dts(Bytes blob);

}  // namespace gh::fdt
