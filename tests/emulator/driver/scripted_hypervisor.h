// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/vm.h"

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

/// The hypervisor of these tests: hyp::Vm, but instead of executing a guest it answers what the
/// test has written down, so that every result of the vcpu_run hypercall can be had at will.
namespace gh::test {

struct Hypervisor {
    using Step = std::function<hyp::VcpuRunResult()>;

    std::mutex mutex;
    std::condition_variable changed;
    std::array<std::deque<Step>, 8> steps;  // per vCPU; when they are used up it spins until kicked
    std::array<bool, 8> kicked{};
    std::function<void()> at_begin;  // what a guest that nobody runs does first
    int vms = 0;                     // alive

    // What was seen.
    hyp::VmConfig config;
    std::vector<hyp::Resume> resumes;
    std::vector<std::pair<unsigned, std::uint64_t>> sends;
    std::vector<unsigned> masks;
    bool begun = false;
    std::vector<hyp::RamRange> ram;  // that the guest has: of its start and map(), without unmap()
    bool stopped = false;
    bool over = false;

    void reset();
    /// Where the guest's byte at `at` is; nullptr: it has none there.
    std::byte* find(std::uint64_t at);
    /// The range that holds it.
    const hyp::RamRange* range_at(std::uint64_t at);
    /// What the guest does by addrspace_modify_pages.
    void release(std::uint64_t at, std::uint64_t size);
    /// The guest ends: what RM's notification says, then vCPUs are powered off.
    void end(std::uint16_t type);
    /// Waits (at most two seconds) until a doorbell was sent `count` times in all.
    bool wait_for_sends(std::size_t count);
};

Hypervisor& hypervisor();

inline Hypervisor::Step returns(hyp::VcpuState state, std::uint64_t a = 0, std::uint64_t b = 0,
                                std::uint64_t c = 0)
{
    return [=] { return hyp::VcpuRunResult{state, {a, b, c}}; };
}

}  // namespace gh::test
