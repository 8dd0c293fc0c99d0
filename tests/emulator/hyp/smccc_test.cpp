// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/smccc.h"

#include "call_fixture.h"

#include <doctest/doctest.h>

namespace gh::hyp {

constexpr std::uint64_t kUnknown = ~0ull;

TEST_CASE_FIXTURE(CallFixture, "SMCCC is version 1.3, SVE hint or not (golden smccc.version)")
{
    CHECK(hvc(0x8000'0000) == 0x10003);
    CHECK(call(true, 0, 0x8000'0000) == 0x10003);
    CHECK(hvc(0x8001'0000) == 0x10003);
    CHECK(untouched());
}

TEST_CASE_FIXTURE(CallFixture, "ARCH_FEATURES knows itself and the version (golden arch_features)")
{
    CHECK(hvc(0x8000'0001, 0x8000'0000) == 0);
    CHECK(hvc(0x8000'0001, 0x8000'0001) == 0);
    for (const std::uint32_t id : {0x80000002, 0x80008000, 0x80007fff, 0x80003fff, 0x84000000,
                                   0xc4000053, 0xc5000020, 0x8600ff01})
        CHECK(hvc(0x8000'0001, id) == 0xffff'ffff);
}

TEST_CASE_FIXTURE(CallFixture, "the hypervisor is Gunyah by its UID (golden vendor.*, stdhyp.*)")
{
    for (const std::uint32_t id : {0x8500ff01, 0x8600ff01}) {
        CHECK(hvc(id) == 0xcd8fd5c1);
        CHECK(x[1] == 0xdb5f53a4);
        CHECK(x[2] == 0x36ce6592);
        CHECK(x[3] == 0x145f3d67);
    }
    CHECK(hvc(0x8600'ff03) == 0x5100'0000'0000'8001);
    CHECK(hvc(0x8500'ff03) == 1);
    CHECK(x[1] == 0);
}

TEST_CASE_FIXTURE(CallFixture,
                  "what Gunyah does not know is -1 and touches nothing (golden unknown.*)")
{
    for (const std::uint32_t id :
         {0x80000123u, 0xc0000123u, 0x123u,      0x82000001u, 0x81000001u, 0x83000001u,
          0x84000100u, 0xb2000000u, 0x84000063u, 0xc4000020u, 0x80000002u, 0x80008000u,
          0x80007fffu, 0x80003fffu, 0xc5000020u, 0xc5000021u, 0x8500ff00u, 0x8600ff00u,
          0xc600ff01u, 0x86000000u, 0x86000005u, 0x86000006u}) {
        CHECK(hvc(id, 1, 2, 3) == kUnknown);
        CHECK(untouched());
    }
}

TEST_CASE_FIXTURE(CallFixture,
                  "immediates other than 0 and Gunyah's are -1 (golden hvc.imm, smc.imm)")
{
    for (const unsigned immediate :
         {1u, 2u, 0x4000u, 0x5fffu, 0x60ffu, 0x6100u, 0x7000u, 0xffffu}) {
        CHECK(call(false, immediate, 0x8400'0000, 1, 2, 3) == kUnknown);
        CHECK(untouched());
    }
    CHECK(call(true, 1, 0x8400'0000) == kUnknown);
    CHECK(call(true, 0x6000, 0x8400'0000) == kUnknown);
}

TEST_CASE_FIXTURE(CallFixture, "the TRNG says what it is (golden trng.*)")
{
    CHECK(hvc(0x8400'0050) == 0x10000);
    CHECK(hvc(0x8400'0051, 0x8400'0053) == 0);
    CHECK(hvc(0x8400'0051, 0xc400'0053) == 0);
    CHECK(hvc(0x8400'0051, 0x8400'0054) == kUnknown);
    CHECK(hvc(0x8400'0052) == 0x45546e21);
    CHECK(x[3] == 0x16397d4e);
}

TEST_CASE_FIXTURE(CallFixture,
                  "the TRNG gives the bits asked for, in x3, x2, x1 (golden trng.rnd*)")
{
    CHECK(hvc(0x8400'0053, 64) == 0);
    CHECK(x[1] == 0);
    CHECK(((x[2] | x[3]) >> 32) == 0);
    CHECK((x[2] | x[3]) != 0);
    CHECK(hvc(0xc400'0053, 65) == 0);
    CHECK(x[1] == 0);
    CHECK(x[2] <= 1);
    CHECK((x[3] >> 32) != 0);
    CHECK(hvc(0xc400'0053, 192) == 0);
    CHECK((x[1] >> 32) != 0);
}

TEST_CASE_FIXTURE(CallFixture, "the TRNG refuses no bits and too many, and gives none then")
{
    const std::vector<std::uint32_t> bad32{0, 97, 192, 0xffff'ffff};
    for (const std::uint32_t count : bad32)
        CHECK(hvc(0x8400'0053, count) == ~1ull);
    const std::vector<std::uint32_t> bad64{0, 193, 0xffff'ffff};
    for (const std::uint32_t count : bad64)
        CHECK(hvc(0xc400'0053, count) == ~1ull);
    CHECK((x[1] | x[2] | x[3]) == 0);
}

TEST_CASE_FIXTURE(CallFixture,
                  "3.7 guest watchdog: for authenticated VMs only, so nobody answers here")
{
    for (const std::uint64_t function : {0x8600'0005u, 0x8600'0006u, 0x8600'0007u, 0x8600'0008u}) {
        CHECK(hvc(function, 3, 1000) == ~0ull);
        CHECK(untouched());
    }
    for (const unsigned n : {0x40u, 0x41u, 0x42u, 0x58u, 0x63u}) {  // nor has it the object
        CHECK(call(false, 0x6000 + n, BELL) == 52);
        CHECK(call(false, 0x6000 + n, NONE) == 50);
    }
}

}  // namespace gh::hyp
