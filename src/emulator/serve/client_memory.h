// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"
#include "emulator/serve/given_memory.h"

#include <memory>

namespace gh::serve {

/// Memory of the current caller as guests see it. Memory of a file, shared: that file, mapped here
/// too. Private and anonymous memory: its contents move to a file, which replaces it there. Lent
/// memory: the contents move to a file that only we have, and the client keeps an empty one, whose
/// pages raise SIGBUS; they come back when the view goes, or by its give_back() in a call of the
/// client's. 0 or an errno: EFAULT and a line on the log where the memory cannot be had, EINTR
/// where a signal came first.
[[nodiscard]] int give_memory(driver::ClientRange range, bool lend,
                              const std::shared_ptr<GivenMemory>& given,
                              std::unique_ptr<driver::GuestView>& view);

}  // namespace gh::serve
