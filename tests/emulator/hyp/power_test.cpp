// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/power.h"

#include <array>
#include <semaphore>
#include <thread>

#include <doctest/doctest.h>

namespace gh::hyp {

TEST_CASE("of many that turn a vCPU on at once, one succeeds")
{
    Power power({{.mpidr = 0}, {.mpidr = 1}}, [](unsigned) {}, {});
    for (unsigned round = 0; round < 200; ++round) {
        std::array<bool, 2> won{};
        {
            std::jthread other([&] { won[1] = power.turn_on(1, {1, 1}); });
            won[0] = power.turn_on(1, {0, 0});
        }
        CHECK(won[0] != won[1]);
        CHECK(power.take_start(1)->entry == (won[1] ? 1 : 0));
        power.turn_off(1);
    }
}

TEST_CASE("the owner hears of the end before anybody can see it")
{
    Power* seen = nullptr;
    bool ended_inside = true;
    Power power(
        {{.mpidr = 0}}, [](unsigned) {}, [&](const VmExit&) { ended_inside = seen->ended(); });
    seen = &power;
    power.end({.type = 7});
    CHECK_FALSE(ended_inside);
    CHECK(power.ended());
}

TEST_CASE("whoever ends a VM finds it ended, if another did it at the same time")
{
    std::binary_semaphore telling{0};
    std::binary_semaphore told{0};
    Power power(
        {{.mpidr = 0}}, [](unsigned) {},
        [&](const VmExit&) {
            telling.release();
            told.acquire();
        });
    std::jthread guest([&] { power.end({.type = 1}); });
    telling.acquire();
    std::jthread owner([&] {
        power.end({.type = 7});
        CHECK(power.ended());
    });
    told.release();
}

}  // namespace gh::hyp
