// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/locked.h"
#include "base/mapping.h"
#include "emulator/driver/client.h"
#include "emulator/serve/process.h"

#include <map>
#include <memory>
#include <vector>

namespace gh::serve {

/// What of one process's memory guests have, and the files that we put behind it: the only way to
/// see the same pages as another process is to map the same file.
struct Given {
    struct Range {
        driver::ClientRange range;
        bool lent = false;
    };
    std::vector<Range> ranges;
    std::map<ino_t, Fd> files;  // ours, which the process holds only by its mappings
};
using GivenMemory = Locked<Given>;

/// Memory of the current caller as guests see it. Memory of a file, shared: that file, mapped here
/// too. Private and anonymous memory: its contents move to a file, which replaces it there. Lent
/// memory: the contents move to a file that only we have, and the client keeps an empty one, whose
/// pages raise SIGBUS; they come back when the view goes. 0 or an errno; EFAULT and a line on the
/// log where the memory cannot be had.
[[nodiscard]] int give_memory(driver::ClientRange range, bool lend,
                              const std::shared_ptr<GivenMemory>& given,
                              std::unique_ptr<driver::GuestView>& view);

}  // namespace gh::serve
