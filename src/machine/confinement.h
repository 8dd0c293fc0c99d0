// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "config/vm.h"
#include "machine/run.h"

namespace gh::machine {

/// What the process that runs a VM may still do once the VM's files are open: src/README.md, "What
/// a running VM may do".
class Confinement {
public:
    /// Both must outlive it.
    Confinement(const config::Vm& vm, const RunOptions& options) : vm_(vm), options_(options) {}

    /// As vm.sandbox says; for good, and all VMs that this process makes later are under it from
    /// the beginning. `emulated`: nothing is wanted of the kernel's driver. Whoever calls is the
    /// only thread. Again: does nothing. Throws Error where it must be and cannot.
    void enter(bool emulated);
    [[nodiscard]] bool is_entered() const noexcept { return entered_; }

private:
    const config::Vm& vm_;
    const RunOptions& options_;
    bool entered_ = false;
    Fd own_folder_;
};

}  // namespace gh::machine
