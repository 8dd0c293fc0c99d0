// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"
#include "emulator/hyp/debugger.h"
#include "emulator/hyp/profile.h"
#include "gunyah/tracing_file.h"
#include "gunyah/vm.h"

#include <memory>

namespace gh::machine {

struct OpenedVm {
    gunyah::Vm vm;
    bool emulated = false;
};

/// Who looks into the guest, if not nullptr; which only the emulated device allows.
struct Observers {
    std::shared_ptr<hyp::Profiler> profiler;  // is told where the guest's time goes
    std::shared_ptr<hyp::Debugger> debugger;
};

/// Opens the device that the configuration asks for and makes a VM of it. "auto": the kernel's if
/// it is there and speaks the language, else the emulated one, with a warning where it is there and
/// does not serve. `trace`, if not empty, is told every request. Throws Error.
[[nodiscard]] OpenedVm open_vm(const config::Hypervisor& wanted, const gunyah::TraceSink& trace,
                               const Observers& observers = {});

}  // namespace gh::machine
