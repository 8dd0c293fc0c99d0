// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/scheduler.h"

#include "base/error.h"

#include <string>
#include <system_error>
#include <utility>

#include <pthread.h>

namespace gh::hyp {

namespace {

/// Runs the vCPU once more, and waits for what it waits for; false: it is over.
bool step(Vcpu& vcpu, Resume& resume) noexcept
{
    const VcpuRunResult result = vcpu.run(std::exchange(resume, {}));
    switch (result.state) {
    case VcpuState::Ready:
    case VcpuState::Blocked:
    case VcpuState::SystemReset: return true;  // the next run says PoweredOff
    case VcpuState::Fault: return false;
    case VcpuState::PoweredOff:
        if (result.data[0] == kExitedForGood)
            return false;
        [[fallthrough]];
    case VcpuState::ExpectsWakeup: vcpu.wait_for_wakeup(); return true;
    case VcpuState::VmmioRead:
    case VcpuState::VmmioWrite:
    case VcpuState::PageFault:  // nobody is there to answer: an external abort (guest ABI 3.8)
        resume.action = Resume::Action::Fault;
        return true;
    }
    return false;
}

}  // namespace

void Scheduler::add(Vcpu& vcpu)
{
    const std::string name = "hyp-vcpu-" + std::to_string(places_.size());
    const auto work = [this, &vcpu, name](const std::stop_token& stopped) {
        (void)::pthread_setname_np(::pthread_self(), name.c_str());
        begun_.wait(false);
        Resume resume;
        while (!stopped.stop_requested() && step(vcpu, resume)) {
        }
    };
    places_.push_back({vcpu, {}});
    try {
        places_.back().thread = std::jthread(work);
    } catch (const std::system_error& error) {
        throw_errno("a thread for a vCPU", error.code().value());
    }
}

void Scheduler::begin() noexcept
{
    begun_.store(true);
    begun_.notify_all();
}

void Scheduler::stop() noexcept
{
    for (Place& place : places_)
        place.thread.request_stop();
    begin();
    for (Place& place : places_)
        place.vcpu.kick();
    places_.clear();
}

}  // namespace gh::hyp
