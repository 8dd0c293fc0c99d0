// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cluster.h"
#include "emulator/cpu/insn.h"
#include "emulator/cpu/platform.h"
#include "emulator/cpu/state.h"

#include <atomic>
#include <cstdint>

namespace gh::cpu {

/// Why Cpu::run() came back.
enum class Exit {
    Mmio,       // pending_mmio() wants complete_mmio() or abort_mmio() before the next run()
    Wfi,        // nothing to do until an interrupt is pending (irq()) or kick()
    Requested,  // Platform called request_exit() (PSCI, faults it cannot answer)
    Kicked,     // somebody called kick()
    Loop,       // the PE takes exceptions for ever without executing anything (vectors unmapped)
};

/// One AArch64 PE with EL0 and EL1 (Armv8.0 and the extensions that identification.cpp lists): tier
/// T0, an interpreter of predecoded blocks. One thread at a time runs it; what other threads may
/// call says so. Everything the guest does ends as an architectural answer, never as an exception of
/// C++. Document: Arm ARM (DDI 0487).
class Cpu {
public:
    /// Joins `cluster` for its lifetime; both outlive the PE. MPIDR_EL1 is what the guest reads.
    Cpu(Cluster& cluster, Platform& platform, unsigned index, std::uint64_t mpidr);
    ~Cpu();
    Cpu(const Cpu&) = delete;
    Cpu& operator=(const Cpu&) = delete;

    /// Runs guest code until there is something for the caller to do.
    Exit run() noexcept;

    /// EL1h at `pc` with DAIF set and SCTLR_EL1 at reset; x0 = `argument`, other registers stay
    /// (golden README 02.13). The PE must not be running.
    void reset(std::uint64_t pc, std::uint64_t argument) noexcept;

    [[nodiscard]] State& state() noexcept { return state_; }
    [[nodiscard]] unsigned index() const noexcept { return index_; }
    [[nodiscard]] std::uint64_t mpidr() const noexcept { return mpidr_; }
    /// Guest instructions begun so far, to within a block.
    [[nodiscard]] std::uint64_t instructions() const noexcept { return instructions_; }

    /// The level of the interrupt line from the GIC CPU interface. Any thread.
    void set_irq(bool asserted) noexcept;
    [[nodiscard]] bool irq() const noexcept { return irq_.load(std::memory_order_acquire); }
    /// Makes run() return Exit::Kicked once, soon, or at once if it is not running. Any thread.
    void kick() noexcept;
    /// Makes run() return Exit::Requested after the present instruction. From Platform only.
    void request_exit() noexcept;

    [[nodiscard]] const MmioAccess& pending_mmio() const noexcept { return mmio_; }
    /// Ends the pending access: a read delivers `value` as the instruction wants it.
    void complete_mmio(std::uint64_t value) noexcept;
    /// Ends it with a synchronous external abort instead.
    void abort_mmio() noexcept;

    // ---- For instruction handlers (interpreter thread only).

    /// Reads or writes T (1, 2, 4, 8 bytes or Vreg) at the current privilege. False: an exception was
    /// taken and the handler must return nullptr. SIMD, pair and write-back forms use these: they
    /// have no syndrome, so an address without RAM is an external abort (golden README 02.19).
    template <class T>
    bool load(const Insn* insn, std::uint64_t address, T& value) noexcept;
    template <class T>
    bool store(const Insn* insn, std::uint64_t address, const T& value) noexcept;

    /// True if `register` (an index of State::x) may serve as a base: false after an SP alignment
    /// fault.
    bool base_is_aligned(const Insn* insn, unsigned base) noexcept
    {
        return base != kSp || (state_.x[kSp] & 15) == 0 || sp_misaligned(insn);
    }

    /// Takes the Undefined Instruction exception at `insn`; returns what the handler returns.
    const Insn* undefined(const Insn* insn) noexcept;
    /// The address of `insn`, an instruction of the current block.
    [[nodiscard]] std::uint64_t address_of(const Insn* insn) const noexcept;

private:
    bool sp_misaligned(const Insn* insn) noexcept;

    Cluster& cluster_;
    Platform& platform_;
    unsigned index_;
    std::uint64_t mpidr_;
    State state_;
    MmioAccess mmio_;
    std::uint64_t instructions_ = 0;
    std::atomic<bool> irq_{false};
};

}  // namespace gh::cpu
