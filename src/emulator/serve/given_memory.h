// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/locked.h"
#include "emulator/driver/client.h"
#include "emulator/driver/given_ranges.h"
#include "emulator/serve/process.h"

#include <cstdint>
#include <map>

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

/// The inode of an open file, as Vma has those of mappings; 0 if it cannot be had.
[[nodiscard]] std::uint64_t inode_of(const Fd& file);

}  // namespace gh::serve
