// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace gh::sandbox {

/// Answers calls that a filter traps (Action::Trap, seccomp(2)) with EPERM, and tells each once:
/// for the process, from now on. No thread may block SIGSYS where such a call may come, or the
/// kernel ends the process. Throws Error.
void tell_refusals();

}  // namespace gh::sandbox
