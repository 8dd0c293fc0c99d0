// SPDX-License-Identifier: BSD-3-Clause
#include "base/pipe.h"

#include <array>

#include <fcntl.h>
#include <unistd.h>

namespace gh {

Pipe make_pipe(int flags) noexcept
{
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | flags) != 0)
        return {};
    return {Fd{ends[0]}, Fd{ends[1]}};
}

}  // namespace gh
