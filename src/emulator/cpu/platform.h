// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace gh::cpu {

class Cpu;

enum class AccessKind : std::uint8_t { Read, Write, Fetch };

/// A 4 KiB page of guest RAM as stage 2 sees it.
struct Page {
    std::byte* host = nullptr;  // its first byte; nullptr: no RAM at this address
    bool writable = false;
    bool executable = false;
};

/// A data access that reached no RAM and has a valid syndrome (ESR ISV = 1).
struct MmioAccess {
    std::uint64_t ipa = 0;
    std::uint8_t size = 0;  // 1, 2, 4, 8
    bool write = false;
    std::uint64_t value = 0;  // in for a write, out for a read
};

enum class MmioOutcome {
    Done,   // answered; the guest goes on
    Exit,   // somebody outside must answer: Cpu::run() returns Exit::Mmio
    Abort,  // nobody is there: the guest takes a synchronous external abort
};

/// The encoding of a system register as MRS/MSR carry it: op0:op1:CRn:CRm:op2, 16 bits
/// (word[20:5] with op0 as 2 bits).
constexpr std::uint16_t sysreg(unsigned op0, unsigned op1, unsigned crn, unsigned crm, unsigned op2)
{
    return static_cast<std::uint16_t>(op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2);
}

/// All that a PE asks of the machine around it; implemented by hyp/ (and by tests). Called on the
/// thread that runs the PE.
class Platform {
public:
    virtual ~Platform() = default;

    /// Stage 2: the page of RAM that holds `ipa`. The answer may be cached until
    /// Cluster::flush_stage2().
    virtual Page page(std::uint64_t ipa) noexcept = 0;
    virtual MmioOutcome mmio(Cpu& cpu, MmioAccess& access) noexcept = 0;

    /// An access found no page at `ipa` that allows it, and no device. True: somebody outside may
    /// know one; the platform has called Cpu::request_exit(), and the instruction is executed again
    /// at the next Cpu::run(). False: the guest takes a synchronous external abort.
    virtual bool page_fault(Cpu& cpu, std::uint64_t ipa, AccessKind kind) noexcept
    {
        (void)cpu, (void)ipa, (void)kind;
        return false;
    }

    /// HVC or SMC from EL1 with x0..x17 as arguments; State::pc is already behind it. May call
    /// Cpu::request_exit(). False: the instruction is UNDEFINED.
    virtual bool hypervisor_call(Cpu& cpu, bool smc, std::uint16_t immediate) noexcept = 0;

    /// System registers that belong to the GIC CPU interface (ICC_*) and the generic timer (CNT*);
    /// EL0 access was checked for CNT*. False: UNDEFINED.
    virtual bool read_register(Cpu& cpu, std::uint16_t id, std::uint64_t& value) noexcept = 0;
    virtual bool write_register(Cpu& cpu, std::uint16_t id, std::uint64_t value) noexcept = 0;

    /// 64 random bits (RNDR).
    virtual std::uint64_t random() noexcept = 0;
};

}  // namespace gh::cpu
