// SPDX-License-Identifier: BSD-3-Clause
#include "base/fd.h"

#include "base/error.h"

#include <doctest/doctest.h>

#include <fcntl.h>

TEST_CASE("a missing file is an error that names it")
{
    CHECK_THROWS_WITH_AS((void)gh::open_file("/nonexistent/x", O_RDONLY),
                         "open /nonexistent/x: No such file or directory", gh::Error);
}

TEST_CASE("a descriptor closes when its owner goes")
{
    int raw = -1;
    {
        const gh::Fd fd = gh::open_file("/dev/null", O_RDONLY);
        raw = fd.get();
        CHECK(::fcntl(raw, F_GETFD) == FD_CLOEXEC);
    }
    CHECK(::fcntl(raw, F_GETFD) == -1);
}
