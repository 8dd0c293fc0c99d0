// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"

#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>

namespace gh {

/// While it lives the process has no descriptor left, but for those that free_one() makes.
class FullTable {
public:
    FullTable()
    {
        REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
        rlimit tight = before_;
        tight.rlim_cur = kSome;
        REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
        for (Fd fd{::dup(0)}; fd; fd = Fd{::dup(0)})
            rest_.push_back(std::move(fd));
    }
    ~FullTable() { (void)::setrlimit(RLIMIT_NOFILE, &before_); }
    FullTable(const FullTable&) = delete;
    FullTable& operator=(const FullTable&) = delete;

    void free_one() { rest_.pop_back(); }

private:
    static constexpr rlim_t kSome = 64;
    rlimit before_{};
    std::vector<Fd> rest_;
};

}  // namespace gh
