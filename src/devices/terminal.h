// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

namespace gh {

/// In characters; aligned so that it is one atomic access.
struct alignas(4) TerminalSize {
    std::uint16_t columns = 0;
    std::uint16_t rows = 0;
};

/// Nothing if `fd` is no terminal, or one that does not know.
[[nodiscard]] std::optional<TerminalSize> terminal_size(int fd) noexcept;

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
