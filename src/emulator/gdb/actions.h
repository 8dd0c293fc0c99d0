// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/debugger.h"

#include <optional>
#include <string_view>
#include <vector>

namespace gh::gdb {

/// What each vCPU is to do next.
using Orders = std::vector<hyp::Debugger::Order>;

/// Those of vCont (GDB manual, appendix E.2): ";action[:thread]" again and again; the first that
/// names a thread, or none, decides for it. Signals to be delivered mean nothing to a guest.
/// `present`: the vCPU that thread 0 is. Nothing: malformed, or it is for nobody.
[[nodiscard]] std::optional<Orders> parse_actions(std::string_view text, unsigned vcpus,
                                                  unsigned present);

}  // namespace gh::gdb
