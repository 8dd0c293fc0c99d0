// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

namespace gh {

/// A listening socket from which callers can be taken even where no descriptor is left: one is kept
/// in reserve, by which such a caller is hung up on. Else the socket would be readable, and nobody
/// could be accepted, for ever. One thread at a time.
class Listener {
public:
    /// `socket` listens and is non-blocking. Throws Error.
    explicit Listener(Fd socket);

    [[nodiscard]] int get() const noexcept { return socket_.get(); }

    /// The next caller, non-blocking and close-on-exec. Empty, with errno, if there is none now
    /// (EAGAIN), or if one was there and was hung up on (EMFILE, ENFILE).
    [[nodiscard]] Fd accept() noexcept;

private:
    Fd socket_;
    Fd spare_;
};

}  // namespace gh
