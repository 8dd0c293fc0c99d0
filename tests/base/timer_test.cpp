// SPDX-License-Identifier: BSD-3-Clause
#include "base/timer.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;

namespace gh {

TEST_CASE("timers call in the order of their times, and a cancelled one never")
{
    Poller poller;
    std::string order;
    Timer late(poller, [&] {
        order += "late";
        poller.stop();
    });
    Timer soon(poller, [&] { order += "soon "; });
    Timer never(poller, [&] { order += "never "; });
    late.start(20ms);
    soon.start(0ms);
    never.start(1ms);
    never.cancel();
    poller.run();
    CHECK(order == "soon late");
}

TEST_CASE("a repeated timer goes on until somebody stops it")
{
    Poller poller;
    int calls = 0;
    Timer timer(poller, [&] {
        if (++calls == 3)
            poller.stop();
    });
    timer.repeat(1ms);
    poller.run();
    CHECK(calls == 3);
}

TEST_CASE("a handler may start its own timer again")
{
    Poller poller;
    int calls = 0;
    Timer* self = nullptr;
    Timer timer(poller, [&] { ++calls == 2 ? poller.stop() : self->start(1ms); });
    self = &timer;
    timer.start(1ms);
    poller.run();
    CHECK(calls == 2);
}

}  // namespace gh
