// SPDX-License-Identifier: BSD-3-Clause
// Apart from vm.cpp, which tests of the driver replace.
#include "emulator/hyp/vm.h"
#include "emulator/jit/jit.h"

namespace gh::hyp {

const char* jit_obstacle() noexcept
{
    return jit::unavailable();
}

}  // namespace gh::hyp
