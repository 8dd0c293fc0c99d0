// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: sequences of requests to the emulated device, of every kernel generation.
#include "input.h"
#include "mad_client.h"

using namespace gh::test;

namespace {

class InputChoices : public Choices {
public:
    explicit InputChoices(Input& input) : input_(input) {}
    std::uint64_t number(unsigned bytes) override { return input_.number(bytes); }

private:
    Input& input_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    Input input{{data, size}};
    InputChoices choices{input};
    const auto all = gh::driver::all_personalities();
    {
        MadClient client{choices, all[choices.pick(all.size())].name};
        while (!input.used_up())
            client.step();
    }
    GH_CHECK(hypervisor().vms == 0);
    return 0;
}
