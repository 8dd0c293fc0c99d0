// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "gunyah/tracing_file.h"
#include "gunyah/vm.h"

namespace gh::machine {

struct OpenedVm {
    gunyah::Vm vm;
    bool emulated = false;
};

/// Opens the device that the configuration asks for and makes a VM of it. "auto": the kernel's if
/// it is there and speaks the language, else the emulated one, with a warning where it is there and
/// does not serve. `trace`, if not empty, is told every request. Throws Error.
[[nodiscard]] OpenedVm open_vm(const config::Hypervisor& wanted, const gunyah::TraceSink& trace);

}  // namespace gh::machine
