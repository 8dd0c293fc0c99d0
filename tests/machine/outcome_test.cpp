// SPDX-License-Identifier: BSD-3-Clause
#include "machine/outcome.h"

#include <doctest/doctest.h>

namespace gh::machine {
namespace {

gunyah::StatusExit exited(std::uint16_t type, std::array<std::uint8_t, 8> reason = {},
                          std::uint32_t reason_size = 4)
{
    return {.status = gunyah::GH_VM_STATUS_EXITED,
            .type = type,
            .reason_size = reason_size,
            .reason = reason};
}

}  // namespace

TEST_CASE("launchers can tell the ends apart by crosvm's exit codes")
{
    CHECK(outcome_of(exited(1)).code == 0);
    CHECK(outcome_of(exited(2)).code == 32);
    CHECK(outcome_of(exited(3)).code == 32);
    CHECK(outcome_of(exited(4)).code == 36);
    CHECK(outcome_of(exited(5)).code == 33);
    CHECK(outcome_of(exited(6)).code == 33);
    CHECK(outcome_of(exited(7)).code == 33);
    CHECK(outcome_of(exited(99)).code == 33);
}

TEST_CASE("a guest that calls VM_EXIT says itself how it ended")
{
    CHECK(outcome_of(exited(0)).code == 0);
    CHECK(outcome_of(exited(0, {1})).code == 32);
    CHECK(outcome_of(exited(0, {0, 0, 1, 0})).code == 34);
    CHECK(outcome_of(exited(0, {0, 0, 3, 0})).code == 34);
}

TEST_CASE("the sentence ends with type and reason, no more than the page holds")
{
    CHECK(outcome_of(exited(1)).why == "the guest powered off (exit type 1, reason 00 00 00 00)");
    CHECK(outcome_of(exited(3, {0, 0x80, 0, 0, 1, 0, 0, 0x80}, 16)).why ==
          "the guest asked for a reset of its own kind (exit type 3, reason 00 80 00 00 01 00 00 "
          "80)");
}

TEST_CASE("a VM that never ran or fell over without a word crashed")
{
    CHECK(outcome_of({.status = gunyah::GH_VM_STATUS_LOAD_FAILED}).code == 33);
    CHECK(outcome_of({.status = gunyah::GH_VM_STATUS_CRASHED}).code == 33);
}

}  // namespace gh::machine
