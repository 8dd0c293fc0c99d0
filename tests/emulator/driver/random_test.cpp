// SPDX-License-Identifier: BSD-3-Clause
#include "client_fixture.h"

#include <random>
#include <thread>

#include <doctest/doctest.h>

using namespace gh::test;
using gh::hyp::VcpuState;

namespace {

/// A client that has lost its mind: any request on any file with arguments that are half right.
class MadClient : public RunningFixture {
public:
    MadClient(unsigned seed, std::string_view generation)
        : RunningFixture(gh::fdt::probe_tree(), {.personality = std::string(generation)}),
          random_(seed)
    {
    }

    void step()
    {
        static constexpr std::array kRequests{GH_VM_SET_USER_MEM_REGION,
                                              GH_VM_ANDROID_LEND_USER_MEM,
                                              GH_VM_SET_DTB_CONFIG,
                                              GH_VM_START,
                                              GH_VM_ADD_FUNCTION,
                                              GH_VM_ADD_FUNCTION,
                                              GH_VM_REMOVE_FUNCTION,
                                              GUNYAH_VM_SET_BOOT_CONTEXT,
                                              GH_VM_ANDROID_SET_FW_CONFIG,
                                              GUNYAH_VM_RECLAIM_REGION,
                                              GUNYAH_CREATE_GUEST_MEM,
                                              GUNYAH_VM_MAP_MEM,
                                              GH_VCPU_RUN,
                                              GH_CREATE_VM,
                                              0x1234'5678u};
        fill();
        const auto request = kRequests[pick(kRequests.size())];
        const auto argument =
            pick(20) == 0 ? std::uintptr_t{pick(2)} : reinterpret_cast<std::uintptr_t>(&words_);
        File& file = pick(8) == 0                     ? *device
                     : files_.empty() || pick(4) != 0 ? *vm
                                                      : *files_[pick(files_.size())];
        if (request == GH_VCPU_RUN) {
            hypervisor().steps[0].push_back(
                returns(VcpuState::VmmioWrite, pick(4) << 12, 4, pick(3)));
            for (const auto& open : files_)
                open->interrupt();
        }
        auto reply = file.ioctl(request, argument);
        if (reply.file)
            keep(std::move(reply.file));
    }

private:
    std::uint64_t pick(std::uint64_t below) { return random_() % below; }

    std::uint64_t number()
    {
        const std::array<std::uint64_t, 10> likely{0,
                                                   1,
                                                   4,
                                                   7,
                                                   16,
                                                   kPage,
                                                   kBase,
                                                   kDtb,
                                                   reinterpret_cast<std::uint64_t>(ram.data()),
                                                   reinterpret_cast<std::uint64_t>(&words_)};
        const auto n = likely[pick(likely.size())];
        return pick(8) == 0 ? random_() : n + pick(3) * kPage * pick(2);
    }

    void fill()
    {
        for (auto& word : words_)
            word = number();
        if (pick(2) == 0)
            words_[0] = pick(4) | pick(2) << 34;  // looks like a function descriptor
        if (pick(4) == 0)
            words_[0] = (pick(2) ? 16ull : 32ull) << 32 | pick(4);
        if (pick(4) == 0)  // looks like a MAP_MEM of what the fixture has
            words_[1] = std::uint64_t{guest_memory_fd} << 32 | pick(2) << 8 | 0x70 | pick(4);
    }

    void keep(std::unique_ptr<File> file)
    {
        if (files_.size() > 8 || pick(4) == 0)
            files_.clear();
        files_.push_back(std::move(file));
    }

    std::mt19937_64 random_;
    std::array<std::uint64_t, 8> words_{};
    std::vector<std::unique_ptr<File>> files_;
};

}  // namespace

TEST_CASE("no sequence of requests, right or wrong, brings the device down or keeps a VM alive")
{
    for (const auto& personality : gh::driver::all_personalities())
        for (unsigned seed = 1; seed <= 10; ++seed) {
            MadClient client{seed, personality.name};
            for (int i = 0; i < 300; ++i)
                client.step();
        }
    CHECK(hypervisor().vms == 0);
}
