// SPDX-License-Identifier: BSD-3-Clause
#include "mad_client.h"

#include <random>

#include <doctest/doctest.h>

using namespace gh::test;

namespace {

class RandomChoices : public Choices {
public:
    explicit RandomChoices(unsigned seed) : random_(seed) {}
    std::uint64_t number(unsigned bytes) override { return random_() >> (64 - 8 * bytes); }

private:
    std::mt19937_64 random_;
};

}  // namespace

TEST_CASE("no sequence of requests, right or wrong, brings the device down or keeps a VM alive")
{
    for (const auto& personality : gh::driver::all_personalities())
        for (unsigned seed = 1; seed <= 10; ++seed) {
            RandomChoices choices{seed};
            MadClient client{choices, personality.name};
            for (int i = 0; i < 300; ++i)
                client.step();
        }
    CHECK(hypervisor().vms == 0);
}
