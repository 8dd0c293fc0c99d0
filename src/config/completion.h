// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/parse.h"

namespace gh::config {

/// Fills in what depends on the rest of the file: a missing name, labels, sizes of file regions.
void complete(Vm& vm, const Source& source);

}  // namespace gh::config
