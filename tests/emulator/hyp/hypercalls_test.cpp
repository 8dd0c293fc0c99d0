// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/hypercalls.h"

#include "call_fixture.h"

#include <doctest/doctest.h>

namespace gh::hyp {

struct HypercallFixture : CallFixture {
    std::uint64_t hyp(unsigned number, std::uint64_t x0, std::uint64_t x1 = 0, std::uint64_t x2 = 0,
                      std::uint64_t x3 = 0)
    {
        return call(false, 0x6000 + number, x0, x1, x2, x3);
    }
};

TEST_CASE_FIXTURE(HypercallFixture, "identify answers in both forms (golden hyp.identify*)")
{
    CHECK(hyp(0, 0) == 0x5100'0000'0000'8001);
    CHECK(x[1] == 0x1000'0eff);
    CHECK(hvc(0xc600'8000) == 0x5100'0000'0000'8001);
    CHECK(x[1] == 0x1000'0eff);
    CHECK(call(true, 0, 0xc600'8000) == 0x5100'0000'0000'8001);
    CHECK(hvc(0x8600'8000) == ~0ull);
}

TEST_CASE_FIXTURE(HypercallFixture, "the immediate form spoils x9 to x17 but not x8 (golden 02.14)")
{
    (void)hyp(0, 0);
    CHECK(x[8] == pattern(8));
    CHECK(x[9] == 0x8002'0244);
    for (unsigned n = 10; n < 18; ++n)
        CHECK(x[n] == 0);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "the SMCCC form leaves all but the results (golden bell_send.smccc)")
{
    CHECK(hvc(0xc600'8012, 0x1234, 1) == 50);
    CHECK(x[1] == 0);
    CHECK(std::equal(x.begin() + 2, x.end(), in.begin() + 2));
}

TEST_CASE_FIXTURE(HypercallFixture, "a capability that is none is error 50 (golden hyp.*.badcap)")
{
    CHECK(hyp(0x12, 0x1234, 1) == 50);
    CHECK(hyp(0x13, 0x1234, 1) == 50);
    CHECK(hyp(0x13, 0x1234, 0) == 50);
    CHECK(hyp(0x1b, 0x1234, 8, 0x8000'0000) == 50);
    CHECK(hyp(0x1c, 0x1234, 0x8000'0000, 8) == 50);
    CHECK(hyp(0x38, 0x1234) == 50);
    CHECK(hyp(0x65, 0x1234) == 50);
    CHECK(hyp(0x3b, 1, 0x1234) == 50);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "nonsense is error 1 (golden hvc.imm.0x60*, cap-1, reserved-nonzero)")
{
    for (const unsigned n : {0x01u, 0x12u, 0x13u, 0x1bu, 0x1cu, 0x57u, 0x3bu, 0x65u}) {
        CHECK(hyp(n, 0x8400'0000, 1, 2, 3) == 1);
        CHECK((x[1] | x[2] | x[3]) == 0);
    }
    CHECK(hyp(0x12, ~0ull, 1) == 1);
    CHECK(hyp(0x12, 0x1234, 1, 5) == 1);
    CHECK(hyp(0x3b, 9) == 1);
    CHECK(hyp(0x3b, 0) == 0);
}

TEST_CASE_FIXTURE(HypercallFixture, "calls younger than this hypervisor do not exist")
{
    CHECK(hvc(0xc600'8069, 0, 0x8000'0000, 0x1000) == ~0ull);
    CHECK(hvc(0xc600'80ff) == ~0ull);
}

TEST_CASE_FIXTURE(HypercallFixture,
                  "entropy comes in words of 32 bits, at most four (golden hyp.prng.*)")
{
    CHECK(hyp(0x57, 0) == 2);
    CHECK(hyp(0x57, 1) == 3);
    CHECK(hyp(0x57, 17) == 2);
    CHECK(hyp(0x57, 8) == 0);
    CHECK(((x[1] | x[2]) >> 32) == 0);
    CHECK((x[3] | x[4]) == 0);
    CHECK(hyp(0x57, 16) == 0);
    CHECK((x[1] | x[2] | x[3] | x[4]) != 0);
}

TEST_CASE_FIXTURE(HypercallFixture, "a guest receives from its own doorbell but cannot ring it")
{
    doorbells[0].send(5);
    CHECK(hyp(0x13, 0, 1) == 0);
    CHECK(x[1] == 5);
    CHECK(hyp(0x13, 0, 0) == 1);
    CHECK(hyp(0x15, 0, 4, 0) == 0);
    CHECK(hyp(0x14, 0) == 0);
    CHECK(doorbells[0].receive(1) == 0);
    CHECK(hyp(0x12, 0, 1) == 53);
    CHECK(hyp(0x1b, 0, 8, 0x8000'0000) == 52);
}

}  // namespace gh::hyp
