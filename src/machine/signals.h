// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <optional>

#include <signal.h>

namespace gh::machine {

/// SIGTERM, SIGINT, SIGHUP, SIGCONT and SIGWINCH as events of the main thread. Blocks them for
/// every thread that is started while this lives, so it comes first. SIGPIPE and SIGXFSZ are
/// ignored from then on: a console that nobody reads and a file that may not grow are no reasons to
/// die.
class Signals {
public:
    Signals();
    ~Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    /// Becomes readable when one has come.
    [[nodiscard]] int event() const noexcept { return events_.get(); }
    /// The one that came; nothing if none has.
    [[nodiscard]] std::optional<int> take() const noexcept;

    /// From now on the next SIGTERM, SIGINT or SIGHUP ends the process at once, wherever it stands,
    /// the terminal restored: for somebody who has asked once and does not want to wait.
    void force_next() const noexcept;

private:
    sigset_t before_{};
    Fd events_;
};

}  // namespace gh::machine
