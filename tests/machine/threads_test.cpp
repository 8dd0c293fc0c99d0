// SPDX-License-Identifier: BSD-3-Clause
#include "machine/threads.h"

#include "base/error.h"

#include <atomic>

#include <doctest/doctest.h>

namespace gh::machine {

TEST_CASE("the first who ends the machine says why")
{
    Ending ending;
    ending.request({32, "first"});
    ending.request({0, "second"});
    ending.fail(std::make_exception_ptr(Error("third")));
    CHECK(ending.outcome().code == 32);
}

TEST_CASE("what a thread throws comes out in the thread that owns the machine")
{
    Ending ending;
    Threads threads(ending);
    threads.start("thrower", [] { throw Error("no memory"); });
    CHECK(threads.wait(2000));
    CHECK(ending.requested());
    CHECK_THROWS_WITH_AS((void)ending.outcome(), "no memory", Error);
}

TEST_CASE("waiting counts threads that begin after others have ended")
{
    Ending ending;
    Threads threads(ending);
    threads.start("quick", [] {});
    REQUIRE(threads.wait(2000));
    std::atomic<bool> leave{false};
    threads.start("slow", [&] { leave.wait(false); });
    CHECK(!threads.wait(0));
    leave.store(true);
    leave.notify_all();
    CHECK(threads.wait(2000));
}

TEST_CASE("waiting ends by time if a thread does not")
{
    Ending ending;
    Threads threads(ending);
    std::atomic<bool> leave{false};
    threads.start("stubborn", [&] { leave.wait(false); });
    CHECK(!threads.wait(10));
    leave.store(true);
    leave.notify_all();
    CHECK(threads.wait(2000));
}

}  // namespace gh::machine
