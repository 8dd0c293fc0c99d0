// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"

namespace gh::machine {

/// Gives the calling thread, which runs the vCPU `id`, the processors, the nice value and the
/// control group that the configuration asks for. Throws Error, which names the key.
void schedule_vcpu_thread(const config::Cpus& cpus, unsigned id);

}  // namespace gh::machine
