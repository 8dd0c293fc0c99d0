// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/file.h"
#include "gunyah/uapi.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gh::gunyah {

/// A kernel that follows a script: what each request answers, in order; the last answer stays. What
/// the script does not name is ENOTTY. A request that answers 0 makes a file of the same script
/// where the real one would.
struct Script {
    using Answer = std::function<int(std::uintptr_t argument)>;
    std::map<std::uint32_t, std::vector<Answer>> answers;
    std::vector<std::uint32_t> asked;
    gh_vcpu_run page{};
    int interrupts = 0;
    std::vector<std::string> closed;

    void say(std::uint32_t request, const std::vector<int>& errors)
    {
        for (const int error : errors)
            answers[request].emplace_back([error](std::uintptr_t) { return error; });
    }
    void on(std::uint32_t request, Answer answer) { answers[request].push_back(std::move(answer)); }
    [[nodiscard]] long count(std::uint32_t request) const
    {
        return std::count(asked.begin(), asked.end(), request);
    }
};

class ScriptFile final : public File {
public:
    ScriptFile(Script& script, std::string name) : script_(script), name_(std::move(name)) {}
    ~ScriptFile() override { script_.closed.push_back(name_); }

    Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override
    {
        script_.asked.push_back(request);
        auto& answers = script_.answers[request];
        if (answers.empty())
            return {.error = ENOTTY, .value = 0, .file = nullptr};
        const auto answer = answers.front();
        if (answers.size() > 1)
            answers.erase(answers.begin());
        Reply reply{.error = answer(argument), .value = 0, .file = nullptr};
        if (reply.error == 0)
            make(reply, request, argument);
        return reply;
    }
    std::byte* map_run_page(std::size_t) override
    {
        return std::bit_cast<std::byte*>(&script_.page);
    }
    void interrupt() noexcept override { ++script_.interrupts; }

private:
    void make(Reply& reply, std::uint32_t request, std::uintptr_t argument)
    {
        if (request == GH_VCPU_MMAP_SIZE)
            reply.value = 4096;
        if (request == GH_CREATE_VM)
            reply.file = std::make_unique<ScriptFile>(script_, "vm");
        if (request == GH_VM_ADD_FUNCTION &&
            std::bit_cast<const gh_fn_desc*>(argument)->type == GH_FN_VCPU)
            reply.file = std::make_unique<ScriptFile>(script_, "vcpu");
    }

    Script& script_;
    std::string name_;
};

/// A script that answers the probes as an android15 kernel does, and says yes to everything else.
inline Script android15()
{
    Script script;
    const auto taken = [](std::uintptr_t argument) { return argument == 0 ? EFAULT : 0; };
    for (const std::uint32_t request :
         {GH_VM_SET_USER_MEM_REGION, GH_VM_ANDROID_LEND_USER_MEM, GUNYAH_VM_SET_BOOT_CONTEXT,
          GH_VM_SET_DTB_CONFIG, GH_VM_ADD_FUNCTION})
        script.on(request, taken);
    for (const std::uint32_t request : {GH_CREATE_VM, GH_VM_START, GH_VCPU_MMAP_SIZE})
        script.say(request, {0});
    return script;
}

}  // namespace gh::gunyah
