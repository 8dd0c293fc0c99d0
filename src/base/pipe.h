// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

namespace gh {

/// Both ends of a pipe.
struct Pipe {
    Fd read_end;
    Fd write_end;

    explicit operator bool() const noexcept { return static_cast<bool>(write_end); }
};

/// `flags` beside O_CLOEXEC. Empty, with errno, if the host has none to give.
[[nodiscard]] Pipe make_pipe(int flags = 0) noexcept;

}  // namespace gh
