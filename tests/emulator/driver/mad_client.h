// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "client_fixture.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace gh::test {

/// Where a mad client takes its decisions from: a generator of numbers, or a fuzzer's input.
class Choices {
public:
    virtual ~Choices() = default;
    /// A number of so many bytes (1 to 8).
    virtual std::uint64_t number(unsigned bytes) = 0;
    /// 0 up to below - 1; below is not 0.
    std::uint64_t pick(std::uint64_t below) { return number(below <= 256 ? 1 : 4) % below; }
};

/// A client that has lost its mind: any request on any file in any order, with arguments that are
/// half right.
class MadClient : public ClientFixture {
public:
    MadClient(Choices& choices, std::string_view generation)
        : ClientFixture({.personality = std::string(generation)}), choices_(choices)
    {
        if (pick(8) != 0)
            prepare(pick(2) != 0);
        if (pick(2) != 0) {
            keep(add_vcpu(0).file);
            start();
        }
    }

    void step()
    {
        if (pick(64) == 0)
            return close_something();
        fill();
        const auto request = kRequests[pick(kRequests.size())];
        const auto argument =
            pick(20) == 0 ? std::uintptr_t{pick(2)} : reinterpret_cast<std::uintptr_t>(&words_);
        auto& file = any_file();
        if (request == GH_VCPU_RUN)
            script_run();
        auto reply = file.ioctl(request, argument);
        if (reply.file)
            keep(std::move(reply.file));
    }

private:
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
                                          GUNYAH_VM_MAP_CMA_MEM,
                                          GUNYAH_VM_SET_AUTH_TYPE,
                                          GUNYAH_CHECK_EXTENSION,
                                          GH_VCPU_MMAP_SIZE,
                                          GH_VCPU_RUN,
                                          GH_VCPU_RUN,
                                          GH_CREATE_VM,
                                          0x1234'5678u};

    std::uint64_t pick(std::uint64_t below) { return choices_.pick(below); }

    std::uint64_t number()
    {
        const std::array<std::uint64_t, 11> likely{0,
                                                   1,
                                                   4,
                                                   7,
                                                   16,
                                                   kPage,
                                                   static_cast<std::uint64_t>(event_.get()),
                                                   kBase,
                                                   kDtb,
                                                   reinterpret_cast<std::uint64_t>(ram.data()),
                                                   reinterpret_cast<std::uint64_t>(&words_)};
        if (pick(8) == 0)
            return choices_.number(8);
        const auto n = likely[pick(likely.size())];
        return n + pick(3) * kPage * pick(2);
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

    File& any_file()
    {
        if (pick(8) == 0)
            return *device;
        return files_.empty() || pick(4) != 0 ? *vm : *files_[pick(files_.size())];
    }

    // What the guest does in the next VCPU_RUN, which ends whatever it is.
    void script_run()
    {
        static constexpr std::array kStates{hyp::VcpuState::VmmioWrite, hyp::VcpuState::VmmioRead,
                                            hyp::VcpuState::PageFault,  hyp::VcpuState::Fault,
                                            hyp::VcpuState::PoweredOff, hyp::VcpuState::Ready};
        const auto state = kStates[pick(kStates.size())];
        hypervisor().steps[0].push_back(returns(state, pick(4) << 12, 1ull << pick(4), number()));
        for (const auto& open : files_)
            open->interrupt();
    }

    void close_something()
    {
        if (!files_.empty() && pick(2) == 0)
            files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(pick(files_.size())));
        else if (pick(4) == 0)
            vm = create_vm();
    }

    void keep(std::unique_ptr<File> file)
    {
        if (files_.size() > 8 || pick(4) == 0)
            files_.clear();
        if (file)
            files_.push_back(std::move(file));
    }

    Choices& choices_;
    EventFd event_;
    std::array<std::uint64_t, 8> words_{};
    std::vector<std::unique_ptr<File>> files_;
};

}  // namespace gh::test
