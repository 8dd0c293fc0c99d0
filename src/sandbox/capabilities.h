// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

namespace gh::sandbox {

/// Gives up all of capabilities(7) but `kept`, and of those what it does not have anyway: for the
/// calling thread and the threads that it starts, for good. Throws Error.
void drop_capabilities(const std::vector<int>& kept);

}  // namespace gh::sandbox
