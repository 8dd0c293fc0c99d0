// SPDX-License-Identifier: BSD-3-Clause
#include "translated_rig.h"

#include <chrono>
#include <thread>

#include <doctest/doctest.h>

namespace gh::jit::test {
namespace {

using cpu::Exit;

/// Runs until somebody calls, a little later.
Exit run_and_kick(TranslatedRig& rig)
{
    std::jthread caller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        rig.cpu.kick();
    });
    return rig.run();
}

}  // namespace

TEST_CASE("a loop of one instruction is left when somebody calls")
{
    TranslatedRig rig{0x1400'0000};  // b .
    CHECK(run_and_kick(rig) == Exit::Kicked);
}

TEST_CASE("a loop whose way back is in the middle is left when somebody calls")
{
    TranslatedRig rig{
        0x1400'0004,  //    b 3f
        0x9100'0421,  // 2: add x1, x1, #1
        0x1400'0002,  //    b 3f
        0xd503'201f,  //    nop
        0x9100'0400,  // 3: add x0, x0, #1
        0x17ff'fffc,  //    b 2b
    };
    CHECK(run_and_kick(rig) == Exit::Kicked);
    CHECK(rig.x(0) - rig.x(1) <= 1);
    CHECK(rig.x(0) > 1000);
}

TEST_CASE("a loop through returns is left when somebody calls")
{
    TranslatedRig rig{
        0x9400'0002,  // 1: bl 2f
        0x17ff'ffff,  //    b 1b
        0x9100'0400,  // 2: add x0, x0, #1
        0xd65f'03c0,  //    ret
    };
    CHECK(run_and_kick(rig) == Exit::Kicked);
    CHECK(rig.x(0) > 1000);
}

}  // namespace gh::jit::test
