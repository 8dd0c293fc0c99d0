// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/counters.h"
#include "emulator/cpu/profile.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace gh::hyp {

/// A map of counts that a guest chooses the keys of: what is beyond its limit shares one key.
template <class Value>
class Tally {
public:
    static constexpr std::size_t kMost = 1024;
    static constexpr std::uint64_t kOthers = ~std::uint64_t{0};

    Value& operator[](std::uint64_t key)
    {
        const auto found = counts_.find(key);
        if (found != counts_.end())
            return found->second;
        return counts_[counts_.size() < kMost ? key : kOthers];
    }
    [[nodiscard]] auto begin() const { return counts_.begin(); }
    [[nodiscard]] auto end() const { return counts_.end(); }

private:
    std::map<std::uint64_t, Value> counts_;
};

/// What one vCPU did and how long it took: host times, in nanoseconds. Belongs to its thread.
struct VcpuProfile {
    struct Device {
        std::uint64_t reads = 0;
        std::uint64_t writes = 0;
        bool gic = false;  // a frame of the GIC, answered without leaving the guest
    };

    explicit VcpuProfile(cpu::Profile::Listener listener) : code(std::move(listener)) {}

    cpu::Profile code;
    cpu::Counters counters;           // of the PE, in the end
    std::uint64_t vbar = 0;           // VBAR_EL1, in the end
    std::uint64_t block_flushes = 0;  // all blocks forgotten: full, IC IALLU, CPU_ON

    std::uint64_t waits = 0;  // WFI and CPU_SUSPEND without anything to do
    std::uint64_t kicks = 0;
    std::uint64_t gic_registers = 0;    // MRS and MSR of ICC_*
    std::uint64_t timer_registers = 0;  // of CNT*
    Tally<Device> devices;              // by page of guest physical addresses
    Tally<std::uint64_t> calls;         // by call_key()

    std::uint64_t cpu_time = 0;    // of the thread, until it last left the guest
    std::uint64_t total_time = 0;  // on the clock, from the first entry to the end of the last
    std::uint64_t guest_time = 0;  // of that, in the guest: its code, hypercalls, the GIC
    std::uint64_t wait_time = 0;   // of that, asleep

    /// HVC or SMC: its immediate and, where that is 0, the function identifier.
    static constexpr std::uint64_t call_key(std::uint16_t immediate, std::uint32_t function)
    {
        return std::uint64_t{immediate} << 32 | (immediate == 0 ? function : 0);
    }
};

/// Somebody who wants to know where a VM's time goes.
class Profiler {
public:
    Profiler() = default;
    Profiler(const Profiler&) = delete;
    Profiler& operator=(const Profiler&) = delete;
    virtual ~Profiler() = default;

    /// Host code came to be. Any vCPU thread, or the one that makes the VM.
    virtual void made(const cpu::HostCode& code) noexcept = 0;
    /// The VM is gone; what each of its vCPUs did. Once, from the thread that lets go of it.
    virtual void ended(std::vector<std::unique_ptr<VcpuProfile>> vcpus) noexcept = 0;
};

/// The host's monotonic clock, nanoseconds.
[[nodiscard]] std::uint64_t host_time() noexcept;
/// CPU time of the calling thread, nanoseconds.
[[nodiscard]] std::uint64_t thread_time() noexcept;

}  // namespace gh::hyp
