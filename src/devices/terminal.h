// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace gh {

/// Puts a terminal into raw mode, so that every key goes to the guest, and puts it back as it was:
/// when this goes, at exit(), and when a fatal signal ends the process. One at a time. Leaves the
/// terminal alone while another job has it.
class RawTerminal {
public:
    /// `fd` is a terminal. Throws Error.
    explicit RawTerminal(int fd);
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;

    /// Raw again, after a shell that stopped and continued us has put its own modes in place.
    static void reapply() noexcept;

    /// Puts back what was there, now. Safe in a signal handler; harmless without a RawTerminal.
    static void restore() noexcept;
};

}  // namespace gh
