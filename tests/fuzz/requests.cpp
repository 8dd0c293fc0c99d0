// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: sequences of requests to the emulated device, of every kernel generation.
#include "mad_client.h"

using namespace gh::test;

namespace {

/// The input, and zeros for ever after it.
class InputChoices : public Choices {
public:
    explicit InputChoices(std::span<const std::uint8_t> input) : left_(input) {}
    [[nodiscard]] bool used_up() const noexcept { return left_.empty(); }

    std::uint64_t number(unsigned bytes) override
    {
        std::uint64_t value = 0;
        for (unsigned i = 0; i < bytes && !left_.empty(); ++i) {
            value |= std::uint64_t{left_.front()} << 8 * i;
            left_ = left_.subspan(1);
        }
        return value;
    }

private:
    std::span<const std::uint8_t> left_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    InputChoices choices{{data, size}};
    const auto all = gh::driver::all_personalities();
    {
        MadClient client{choices, all[choices.pick(all.size())].name};
        while (!choices.used_up())
            client.step();
    }
    GH_CHECK(hypervisor().vms == 0);
    return 0;
}
