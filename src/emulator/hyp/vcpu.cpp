// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/vcpu.h"

#include "base/error.h"
#include "emulator/jit/jit.h"

#include <algorithm>
#include <utility>

namespace gh::hyp {

namespace {

/// Whatever runs twice is compared.
constexpr std::uint32_t kLockstepThreshold = 2;

std::unique_ptr<cpu::Translator> translator_for(cpu::Cpu& cpu, const VmConfig& config)
{
    switch (config.engine) {
    case Engine::Interpreter: return nullptr;
    case Engine::Lockstep:
        GH_CHECK(config.vcpus.size() == 1);
        return jit::make_lockstep_translator(cpu, kLockstepThreshold);
    case Engine::Auto:
    case Engine::Jit: break;
    }
    return jit::make_translator(cpu);
}

constexpr std::uint64_t kFromWfi = 1;  // data1 of ExpectsWakeup
constexpr std::uint64_t kFromSuspend = 2;
constexpr std::uint16_t kSoftwareError = 5;

void load(cpu::State& state, const BootContext& boot)
{
    std::copy(boot.x.begin(), boot.x.end(), state.x.begin());
    state.x[cpu::kSp] = boot.sp_el1;
    state.sp_el0 = boot.sp_el0;
}

}  // namespace

Vcpu::Vcpu(cpu::Cluster& cluster, cpu::Platform& platform, Power& power, unsigned index,
           const VmConfig& config)
    : power_(power),
      index_(index),
      debugger_(config.debugger.get()),
      cpu_(cluster, platform, index, config.vcpus[index].mpidr)
{
    if (config.profiler) {
        // The VM keeps it alive; the profile itself ends up with it, and must not own it.
        profile_ = std::make_unique<VcpuProfile>(
            [&to = *config.profiler](const cpu::HostCode& code) { to.made(code); });
        cpu_.set_profile(profile_->code);
    }
    cpu_.set_translator(translator_for(cpu_, config));
    if (profile_)
        profile_->block_flushes = cpu_.code_generation();  // until now
    if (!config.vcpus[index].boots)
        return;
    cpu_.reset(config.boot.pc, config.boot.x[0]);
    load(cpu_.state(), config.boot);
}

VcpuRunResult Vcpu::run(const Resume& resume) noexcept
{
    if (debugger_ != nullptr)
        return run_debugged(resume);
    if (mmio_pending_)
        answer_mmio(resume);
    return profile_ ? run_profiled() : run_guest();
}

/// An answer that comes while vCPUs stand waits, as it changes registers; a kick must not lose it.
VcpuRunResult Vcpu::run_debugged(const Resume& resume) noexcept
{
    if (mmio_pending_ && !answer_)
        answer_ = resume;
    const auto disturbed = [this] {
        return power_.ended() || kicked_.load(std::memory_order_acquire);
    };
    if (!debugger_->enter(index_, disturbed))
        return obstacle().value_or(VcpuRunResult{});
    if (answer_)
        answer_mmio(*std::exchange(answer_, std::nullopt));
    const VcpuRunResult result = profile_ ? run_profiled() : run_guest();
    debugger_->leave(index_, std::exchange(debug_stop_, std::nullopt));
    return result;
}

VcpuRunResult Vcpu::run_profiled() noexcept
{
    const std::uint64_t begin = host_time();
    const VcpuRunResult result = run_guest();
    const std::uint64_t end = host_time();
    VcpuProfile& profile = *profile_;
    if (profile.guest_time == 0)
        profile_begin_ = begin;
    profile.guest_time += end - begin;
    profile.total_time = end - profile_begin_;
    profile.cpu_time = thread_time();
    switch (result.state) {
    case VcpuState::VmmioRead: ++profile.devices[result.data[0] & cpu::kPageMask].reads; break;
    case VcpuState::VmmioWrite: ++profile.devices[result.data[0] & cpu::kPageMask].writes; break;
    case VcpuState::ExpectsWakeup: ++profile.waits; break;
    case VcpuState::Ready: ++profile.kicks; break;
    default: break;
    }
    return result;
}

VcpuRunResult Vcpu::run_guest() noexcept
{
    for (;;) {
        if (const auto result = obstacle())
            return *result;
        switch (cpu_.run()) {
        case cpu::Exit::Mmio: mmio_pending_ = true; return mmio_result();
        case cpu::Exit::Wfi: in_wfi_ = true; break;
        case cpu::Exit::Requested:
            if (errand_)
                std::exchange(errand_, nullptr)();
            if (page_fault_)
                return *std::exchange(page_fault_, std::nullopt);
            break;
        case cpu::Exit::Kicked:
            if (debugger_ != nullptr && debugger_->stopping())
                return {};  // Ready: the owner calls again, and then we wait
            break;
        case cpu::Exit::Debug: debug_stop_ = cpu_.debug_stop(); return {};
        case cpu::Exit::Loop:  // golden README 01.18
            power_.end({.type = kSoftwareError, .reason_size = 4, .reason = {}});
            break;
        }
    }
}

/// Faulting accesses is what hypervisors since 2024 do; that of 12/2023 ignored the action (golden
/// README 01.2).
void Vcpu::answer_mmio(const Resume& resume) noexcept
{
    switch (resume.action) {
    case Resume::Action::Emulate:
        cpu_.complete_mmio(resume.value);
        cpu_.count_as_step();
        break;
    case Resume::Action::Fault:
        cpu_.abort_mmio();
        cpu_.count_as_step();
        break;
    case Resume::Action::Retry: cpu_.repeat_step(); break;  // it stands before the instruction
    }
    mmio_pending_ = false;
}

void Vcpu::set_page_fault(std::uint64_t ipa, cpu::AccessKind kind) noexcept
{
    const auto access = kind == cpu::AccessKind::Read    ? FaultAccess::Read
                        : kind == cpu::AccessKind::Write ? FaultAccess::Write
                                                         : FaultAccess::Execute;
    page_fault_ = VcpuRunResult{VcpuState::PageFault, {ipa, static_cast<std::uint64_t>(access), 0}};
}

VcpuRunResult Vcpu::mmio_result() const noexcept
{
    const cpu::MmioAccess& access = cpu_.pending_mmio();
    return {access.write ? VcpuState::VmmioWrite : VcpuState::VmmioRead,
            {access.ipa, access.size, access.write ? access.value : 0}};
}

std::optional<VcpuRunResult> Vcpu::obstacle() noexcept
{
    auto& own = power_.own(index_);
    if (own.farewell)
        return std::exchange(own.farewell, std::nullopt);
    if (power_.ended())
        return VcpuRunResult{VcpuState::PoweredOff, {kExitedForGood, 0, 0}};
    if (kicked_.exchange(false, std::memory_order_acq_rel))
        return VcpuRunResult{VcpuState::Ready, {}};
    if (!power_.is_on(index_))
        return VcpuRunResult{VcpuState::PoweredOff, {}};
    begin();
    if (mmio_pending_)
        return mmio_result();
    return asleep();
}

void Vcpu::begin() noexcept
{
    if (const auto start = power_.take_start(index_)) {
        in_wfi_ = false;
        reset(*start);
    }
}

void Vcpu::reset(const Start& start) noexcept
{
    cpu_.reset(start.entry.value_or(cpu_.state().pc), start.argument.value_or(cpu_.state().x[0]));
}

std::optional<VcpuRunResult> Vcpu::asleep() noexcept
{
    auto& suspension = power_.own(index_).suspension;
    if (!in_wfi_ && !suspension)
        return std::nullopt;
    if (!cpu_.irq())
        return suspension ? VcpuRunResult{VcpuState::ExpectsWakeup,
                                          {suspension->power_state, kFromSuspend, 0}}
                          : VcpuRunResult{VcpuState::ExpectsWakeup, {0, kFromWfi, 0}};
    in_wfi_ = false;
    if (suspension && suspension->resume)
        reset(*suspension->resume);
    suspension.reset();
    return std::nullopt;
}

std::unique_ptr<VcpuProfile> Vcpu::finish_profile() noexcept
{
    if (profile_) {
        profile_->counters = cpu_.counters();
        profile_->vbar = cpu_.state().vbar_el1;
        profile_->block_flushes = cpu_.code_generation() - profile_->block_flushes;
    }
    return std::move(profile_);
}

void Vcpu::wait_for_wakeup() noexcept
{
    if (!profile_)
        return sleep();
    const std::uint64_t begin = host_time();
    sleep();
    profile_->wait_time += host_time() - begin;
}

void Vcpu::sleep() noexcept
{
    for (;;) {
        const std::uint32_t seen = wakeups_.load();
        if (has_work())
            return;
        wakeups_.wait(seen);
    }
}

bool Vcpu::has_work() noexcept
{
    if (power_.ended() || kicked_.exchange(false, std::memory_order_acq_rel))
        return true;
    const bool sleeps = in_wfi_ || power_.own(index_).suspension.has_value();
    return power_.is_on(index_) && (!sleeps || cpu_.irq());
}

void Vcpu::kick() noexcept
{
    kicked_.store(true, std::memory_order_release);
    wake();
}

void Vcpu::wake() noexcept
{
    cpu_.kick();
    wakeups_.fetch_add(1);
    wakeups_.notify_one();
    if (debugger_ != nullptr)
        debugger_->look_again();
}

void Vcpu::set_irq(bool asserted) noexcept
{
    cpu_.set_irq(asserted);
    if (!asserted)
        return;
    wakeups_.fetch_add(1);
    wakeups_.notify_one();
}

}  // namespace gh::hyp
