// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/doorbell.h"

#include "gic_fixture.h"

#include <doctest/doctest.h>

namespace gh::hyp {

struct DoorbellFixture : GicFixture<1> {
    DoorbellFixture() { enable_all(); }
    void make_edge() { gicd(GICD_ICFGR + 8, ~0u); }
    unsigned take()
    {
        const auto intid = static_cast<unsigned>(*icc(kIar1));
        write_icc(kEoir1, intid);
        return intid;
    }
    Doorbell bell{40, gic};
};

TEST_CASE_FIXTURE(DoorbellFixture, "flags gather until they are received")
{
    CHECK(bell.send(1) == 0);
    CHECK(bell.send(6) == 1);
    CHECK(bell.receive(3) == 7);
    CHECK(bell.receive(~0ull) == 4);
}

TEST_CASE_FIXTURE(DoorbellFixture, "an edge interrupt comes once for every send, received or not")
{
    make_edge();
    bell.send(1);
    CHECK(take() == 40);
    CHECK(take() == 1023);
    bell.send(1);
    CHECK(take() == 40);
    CHECK(take() == 1023);
}

TEST_CASE_FIXTURE(DoorbellFixture, "a level interrupt stays until the flags are received")
{
    bell.send(1);
    CHECK(take() == 40);
    CHECK(take() == 40);
    bell.receive(1);
    CHECK(take() == 1023);
}

TEST_CASE_FIXTURE(DoorbellFixture, "flags that are not enabled make an edge alone")
{
    bell.mask(2, 0);
    bell.send(1);
    CHECK(take() == 40);
    CHECK(take() == 1023);
    bell.mask(1, 0);
    CHECK(take() == 40);
    CHECK(irq[0]);
}

TEST_CASE_FIXTURE(DoorbellFixture, "one assertion uses up the flags of the ack mask")
{
    bell.mask(~0ull, ~0ull);
    bell.send(1);
    CHECK(take() == 40);
    CHECK(take() == 1023);
    CHECK(bell.receive(1) == 0);
}

TEST_CASE_FIXTURE(DoorbellFixture, "reset clears flags and masks")
{
    bell.mask(0, ~0ull);
    bell.send(1);
    bell.reset();
    CHECK(bell.receive(1) == 0);
    CHECK(take() == 40);  // the edge was there before
    bell.send(1);
    CHECK(take() == 40);
    CHECK(take() == 40);
}

}  // namespace gh::hyp
