// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"

#include <memory>

#include <sys/types.h>

namespace gh::serve {

/// A process that uses the device from outside. What the driver asks of it concerns the caller of
/// the present Conversation, as the kernel's driver looks at `current`; `process` is the one whose
/// memory the VMs made by it have.
[[nodiscard]] std::shared_ptr<driver::Client> make_process_client(pid_t process);

}  // namespace gh::serve
