// SPDX-License-Identifier: BSD-3-Clause
#include "machine/restarts.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace gh::machine {
namespace {

config::EndPolicy policy(unsigned limit, std::uint64_t backoff)
{
    return {.action = config::EndAction::Restart, .limit = limit, .backoff = backoff};
}

}  // namespace

TEST_CASE("each restart in a row waits twice as long, until the limit")
{
    Restarts restarts;
    CHECK(restarts.next(policy(3, 1000), 5s) == 1s);
    CHECK(restarts.next(policy(3, 1000), 5s) == 2s);
    CHECK(restarts.next(policy(3, 1000), 5s) == 4s);
    CHECK_FALSE(restarts.next(policy(3, 1000), 5s));
}

TEST_CASE("a guest that ran well begins a new row")
{
    Restarts restarts;
    CHECK(restarts.next(policy(1, 1000), 5s) == 1s);
    CHECK(restarts.next(policy(1, 1000), 10min) == 1s);
    CHECK(restarts.in_row() == 1);
    CHECK_FALSE(restarts.next(policy(1, 1000), 599s));
}

TEST_CASE("without a limit it goes on, and waits a minute at most")
{
    Restarts restarts;
    for (int i = 0; i < 100; ++i)
        CHECK(restarts.next(policy(0, 60'000), 1s) == 1min);
    CHECK(restarts.next(policy(0, 0), 1s) == 0s);
}

}  // namespace gh::machine
