// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

namespace gh::cpu {

class Cpu;

/// The PEs of one VM: one inner shareable domain. Carries TLB maintenance and code invalidation from
/// one PE to the others. Made before its PEs, destroyed after them; all PEs join before any runs.
class Cluster {
public:
    Cluster() = default;
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    /// Platform::page() answers anew: every PE forgets its translations before it executes another
    /// guest instruction. Returns when all have (a PE outside run() counts at once). Any thread that
    /// is not inside a PE's run().
    void flush_stage2() noexcept;

    /// SEV: wakes every PE that sleeps in WFE.
    void send_event() noexcept;

    [[nodiscard]] const std::vector<Cpu*>& cpus() const noexcept { return cpus_; }

private:
    friend class Cpu;
    std::vector<Cpu*> cpus_;
};

}  // namespace gh::cpu
