// SPDX-License-Identifier: BSD-3-Clause
#include "machine/vcpu_loop.h"

#include "base/error.h"
#include "base/log.h"
#include "memory/hex.h"

#include <string>
#include <variant>

#include <pthread.h>
#include <time.h>

namespace gh::machine {
namespace {

// A host that is short of memory for a moment gets a second in all to find some.
constexpr int kTries = 20;
constexpr auto kCounting = std::memory_order_relaxed;
constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 50'000'000};

unsigned long long ull(std::uint64_t value)
{
    return value;
}

}  // namespace

// The ending is looked at only before a run: between the answer to a read and the run that carries
// it nothing may interrupt but the end.
void VcpuLoop::run()
{
    clockid_t clock{};
    if (::pthread_getcpuclockid(::pthread_self(), &clock) == 0)
        clock_.store(clock);
    while (!ending_.requested())
        std::visit([this](const auto& exit) { answer(exit); }, run_once());
}

// An interrupt that came too late for the run must not meet the next, which may carry an answer.
gunyah::Exit VcpuLoop::run_once()
{
    gate_.enter(carries_);
    carries_ = false;
    const gunyah::Exit exit = vcpu_.run();
    if (gate_.leave() && !std::holds_alternative<gunyah::Interrupted>(exit))
        vcpu_.forget_interrupt();
    return exit;
}

double VcpuLoop::cpu_seconds() const noexcept
{
    timespec time{};
    const clockid_t clock = clock_.load();
    if (clock == CLOCK_REALTIME || ::clock_gettime(clock, &time) != 0)
        return 0;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// What nobody claims reads as all ones, as an open bus does.
void VcpuLoop::answer(const gunyah::MmioExit& exit)
{
    (exit.is_write ? counters_.mmio_writes : counters_.mmio_reads).fetch_add(1, kCounting);
    if (exit.is_write) {
        if (!bus_.write(exit.address, exit.size, exit.value))
            GH_LOG_ONCE(LogLevel::Warn,
                        "the guest wrote 0x%llx to 0x%llx (%u bytes), where no device is",
                        ull(exit.value), ull(raw(exit.address)), exit.size);
        return;
    }
    const auto value = bus_.read(exit.address, exit.size);
    if (!value)
        GH_LOG_ONCE(LogLevel::Warn, "the guest read 0x%llx (%u bytes), where no device is",
                    ull(raw(exit.address)), exit.size);
    vcpu_.answer(value.value_or(~std::uint64_t{0}));
    carries_ = true;
}

void VcpuLoop::answer(const gunyah::StatusExit& exit)
{
    ending_.request(outcome_of(exit));
}

void VcpuLoop::answer(const gunyah::Interrupted&)
{
    counters_.interrupted.fetch_add(1, kCounting);
}

// The next run tries the access again, so a fault that the guest itself causes would come for ever.
// Pages that we can have are taken here: the kernel looks for them one at a time, and not as hard.
void VcpuLoop::answer(const gunyah::PageFaultExit& exit)
{
    counters_.page_faults.fetch_add(1, kCounting);
    if (exit.error == ENOENT || exit.error == EPERM)
        return ending_.request({kCrash, describe(exit)});
    fault_tries_ = exit.address == faulted_ ? fault_tries_ + 1 : 0;
    faulted_ = exit.address;
    if (exit.error != ENOMEM || fault_tries_ == kTries)
        throw Error(describe(exit));
    if (const MemoryRegion* const region = memory_.region_at(exit.address))
        region->populate_around(exit.address);
    (void)::nanosleep(&kPause, nullptr);
}

std::string VcpuLoop::describe(const gunyah::PageFaultExit& exit) const
{
    const MemoryRegion* const region = memory_.region_at(exit.address);
    std::string text = "page fault of vCPU " + std::to_string(vcpu_.id()) + " at guest address " +
                       hex(raw(exit.address)) + " (";
    text += region == nullptr ? "no memory there"
                              : "region " + hex(raw(region->base())) + " with label " +
                                    std::to_string(region->label());
    text += "): the kernel said " + errno_text(exit.error);
    switch (exit.error) {
    case ENOENT: return text + ": the guest used an address that it has no memory at";
    case EPERM: return text + ": the guest may not do that to this memory";
    case ENOMEM:
        return text +
               ", for a second: the host is out of memory, or RLIMIT_MEMLOCK is smaller "
               "than the guest. Make memory.size smaller, free host memory, raise "
               "`ulimit -l`, or let memory.prefault tell before the VM starts";
    case EFAULT: return text + ": the file behind the memory is too short or cannot be written";
    case EINVAL: return text + ": the memory is another guest's already";
    case EBUSY:
    case EACCES: return text + ": the hypervisor does not take this memory for the guest";
    case EIO:
        return text +
               ": the memory is of a file on disk; this kernel wants anonymous memory or a "
               "memfd. That is a bug of gh-vmm: please report it";
    default: return text;
    }
}

}  // namespace gh::machine
