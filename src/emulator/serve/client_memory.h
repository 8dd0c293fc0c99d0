// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/locked.h"
#include "emulator/driver/client.h"
#include "emulator/driver/given_ranges.h"
#include "emulator/serve/process.h"

#include <map>
#include <memory>

namespace gh::serve {

/// What of one process's memory guests have, and the files that we put behind it: the only way to
/// see the same pages as another process is to map the same file. Any thread.
class GivenMemory {
public:
    driver::GivenRanges ranges;

    /// The file behind a shared mapping: ours, or the client's if it can still be found.
    [[nodiscard]] Fd file_of(pid_t thread, const Vma& vma) const;
    /// Remembers a file that we have put into a process, and forgets those that it holds by no
    /// mapping any more: they are nobody's.
    void remember(pid_t thread, const Fd& file);
    /// A file without an end, where lent memory lies at the addresses that it had; -1, with errno,
    /// if there is none.
    [[nodiscard]] int lent_file();

private:
    mutable Locked<std::map<ino_t, Fd>> files_;
    Locked<Fd> lent_;
};

/// Whether all that is mapped in a range is memory of files, shared, which can be had without the
/// client.
[[nodiscard]] bool is_of_files(driver::ClientRange range, pid_t thread, const GivenMemory& given);
/// Client::is_swap_backed of a process.
[[nodiscard]] bool is_swap_backed(driver::ClientRange range, pid_t thread,
                                  const GivenMemory& given);

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
