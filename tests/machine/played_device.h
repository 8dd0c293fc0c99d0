// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/file.h"
#include "gunyah/uapi.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace gh::machine {

/// What a played android15 kernel was asked, and the guest that its vCPUs play: each RUN is one
/// step, which leaves an exit in the page; after the last step RUN blocks until interrupted.
struct Play {
    using Step = std::function<int(gunyah::gh_vcpu_run&)>;
    std::vector<std::vector<Step>> vcpus;

    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> closed;
    std::vector<std::uint32_t> asked;
    std::vector<gunyah::gh_userspace_memory_region> memory;
    gunyah::gh_vm_dtb_config dtb{};
    int start_error = 0;
    bool deaf = false;  // RUN does not come back from an interrupt

    /// How often a request was asked with an argument, not to probe.
    [[nodiscard]] long count(std::uint32_t request)
    {
        const std::scoped_lock lock(mutex);
        return std::count(asked.begin(), asked.end(), request);
    }
};

using gunyah::gh_vcpu_run;

inline Play::Step writes(std::uint64_t address, std::uint8_t byte)
{
    return [=](gh_vcpu_run& page) {
        page.exit_reason = gunyah::GH_VCPU_EXIT_MMIO;
        page.mmio = {
            .phys_addr = address, .data = {byte}, .len = 1, .is_write = 1, .resume_action = 0};
        return 0;
    };
}

inline Play::Step writes_word(std::uint64_t address, std::uint32_t word)
{
    return [=](gh_vcpu_run& page) {
        (void)writes(address, 0)(page);
        page.mmio.len = 4;
        std::memcpy(page.mmio.data.data(), &word, sizeof word);
        return 0;
    };
}

inline Play::Step reads(std::uint64_t address, std::uint32_t len)
{
    return [=](gh_vcpu_run& page) {
        page.exit_reason = gunyah::GH_VCPU_EXIT_MMIO;
        page.mmio = {
            .phys_addr = address, .data = {}, .len = len, .is_write = 0, .resume_action = 0};
        return 0;
    };
}

inline Play::Step ends(gunyah::ExitType type, std::uint8_t reason = 0)
{
    return [=](gh_vcpu_run& page) {
        page.exit_reason = gunyah::GH_VCPU_EXIT_STATUS;
        page.status = {.status = gunyah::GH_VM_STATUS_EXITED,
                       .exit_info = {.type = static_cast<std::uint16_t>(type),
                                     .padding = 0,
                                     .reason_size = 4,
                                     .reason = {reason}}};
        return 0;
    };
}

inline Play::Step faults(std::uint64_t address, int error)
{
    return [=](gh_vcpu_run& page) {
        page.exit_reason = gunyah::GH_VCPU_EXIT_PAGE_FAULT;
        page.page_fault = {.phys_addr = address, .attempt = -error, .resume_action = 1};
        return 0;
    };
}

class PlayedFile final : public gunyah::File {
public:
    PlayedFile(Play& play, std::string name, std::size_t id = 0)
        : play_(play), name_(std::move(name)), id_(id)
    {
    }
    ~PlayedFile() override
    {
        const std::scoped_lock lock(play_.mutex);
        play_.closed.push_back(name_);
    }

    gunyah::Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override
    {
        const bool carries = ((request >> 16) & 0x3fff) != 0;
        if (carries && argument == 0)
            return {.error = known(request) ? EFAULT : ENOTTY, .value = 0, .file = nullptr};
        {
            const std::scoped_lock lock(play_.mutex);
            play_.asked.push_back(request);
        }
        if (request == gunyah::GH_VCPU_RUN)
            return {.error = run(), .value = 0, .file = nullptr};
        return answer(request, argument);
    }
    std::byte* map_run_page(std::size_t) override { return std::bit_cast<std::byte*>(&page_); }
    void interrupt() noexcept override
    {
        const std::scoped_lock lock(play_.mutex);
        interrupted_ = true;
        play_.changed.notify_all();
    }

    void forget_interrupt() noexcept override
    {
        const std::scoped_lock lock(play_.mutex);
        interrupted_ = false;
    }

private:
    static bool known(std::uint32_t request)
    {
        return request == gunyah::GH_VM_SET_USER_MEM_REGION ||
               request == gunyah::GH_VM_ANDROID_LEND_USER_MEM ||
               request == gunyah::GUNYAH_VM_SET_BOOT_CONTEXT;
    }

    gunyah::Reply answer(std::uint32_t request, std::uintptr_t argument)
    {
        gunyah::Reply reply;
        switch (request) {
        case gunyah::GH_CREATE_VM: reply.file = std::make_unique<PlayedFile>(play_, "vm"); break;
        case gunyah::GH_VCPU_MMAP_SIZE: reply.value = 4096; break;
        case gunyah::GH_VM_START: reply.error = play_.start_error; break;
        case gunyah::GH_VM_SET_USER_MEM_REGION:
        case gunyah::GH_VM_ANDROID_LEND_USER_MEM:
            play_.memory.push_back(
                *std::bit_cast<const gunyah::gh_userspace_memory_region*>(argument));
            break;
        case gunyah::GH_VM_SET_DTB_CONFIG:
            play_.dtb = *std::bit_cast<const gunyah::gh_vm_dtb_config*>(argument);
            break;
        case gunyah::GH_VM_ADD_FUNCTION: add(reply, argument); break;
        case gunyah::GUNYAH_VM_SET_BOOT_CONTEXT: break;
        default: reply.error = ENOTTY; break;
        }
        return reply;
    }

    void add(gunyah::Reply& reply, std::uintptr_t argument)
    {
        const auto& function = *std::bit_cast<const gunyah::gh_fn_desc*>(argument);
        if (function.type != gunyah::GH_FN_VCPU)
            return;
        const std::size_t id = std::bit_cast<const gunyah::gh_fn_vcpu_arg*>(function.arg)->id;
        reply.file = std::make_unique<PlayedFile>(play_, "vcpu", id);
    }

    int run()
    {
        std::unique_lock lock(play_.mutex);
        if (interrupted_ && !play_.deaf) {  // what the run carried is dropped: the kernel does so
            interrupted_ = false;
            page_.mmio.data = {};
            return EINTR;
        }
        if (id_ < play_.vcpus.size() && next_ < play_.vcpus[id_].size()) {
            const Play::Step step = play_.vcpus[id_][next_++];
            lock.unlock();
            return step(page_);
        }
        play_.changed.wait(lock, [&] { return interrupted_ && !play_.deaf; });
        interrupted_ = false;
        return EINTR;
    }

    Play& play_;
    std::string name_;
    std::size_t id_;
    std::size_t next_ = 0;
    bool interrupted_ = false;
    gh_vcpu_run page_{};
};

}  // namespace gh::machine
