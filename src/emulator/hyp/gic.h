// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/platform.h"
#include "emulator/hyp/cpu_interface.h"
#include "emulator/hyp/gic_registers.h"
#include "emulator/hyp/interrupt_bank.h"
#include "emulator/hyp/vm.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace gh::hyp {

/// Where the GIC's interrupt outputs go. Called with the GIC locked: must not call back.
class IrqSink {
public:
    virtual ~IrqSink() = default;
    virtual void set_irq(unsigned pe, bool asserted) noexcept = 0;
};

/// GICv3 as Gunyah shows it to a guest: DS and ARE fixed, 988 SPIs, 5 priority bits, no LPI, no
/// ITS, no 1-of-N, no group 0 (golden README 02.16). Any thread may call anything; one mutex guards
/// it. Document: IHI 0069.
class Gic {
public:
    /// `mpidrs`: one per PE, their order is the order of the redistributors.
    Gic(const GicLayout& layout, const std::vector<std::uint64_t>& mpidrs, IrqSink& sink);

    /// True for an address inside the distributor or one of the redistributors.
    [[nodiscard]] bool owns(std::uint64_t ipa) const noexcept;
    /// An access of `pe` to an address it owns: Done, or Abort for the sizes that Gunyah refuses.
    cpu::MmioOutcome mmio(unsigned pe, cpu::MmioAccess& access) noexcept;

    /// The ICC_* registers of `pe`, from its own thread. False: UNDEFINED.
    bool read_register(unsigned pe, std::uint16_t id, std::uint64_t& value) noexcept;
    bool write_register(unsigned pe, std::uint16_t id, std::uint64_t value) noexcept;

    /// The level of PPI `intid` (16..31). Gunyah notices at its next entry from the PE that a level
    /// is still there, but that it has fallen only when the guest looks at the GIC's frames: a PPI
    /// switched off in its handler can arrive once more (golden README 02.17).
    void set_ppi(unsigned pe, unsigned intid, bool asserted) noexcept;
    /// Gunyah is entered from that PE.
    void enter(unsigned pe) noexcept
    {
        if (pes_[pe].unseen.load(std::memory_order_acquire))
            see_levels(pe);
    }

    /// The level of SPI `intid` (32..1019).
    void set_spi(unsigned intid, bool asserted) noexcept;
    /// A new edge on SPI `intid`, which leaves its level `asserted`. A level-sensitive one that is
    /// not asserted then still arrives, once.
    void ring_spi(unsigned intid, bool asserted) noexcept;

private:
    struct Pe {
        std::uint32_t affinity = 0;  // Aff3.Aff2.Aff1.Aff0
        InterruptBank bank;          // SGIs and PPIs
        std::uint32_t wires = 0;     // the true levels of the PPIs
        CpuInterface interface;
        bool irq = false;                        // what the sink was told
        std::array<std::uint32_t, 32> routed{};  // SPIs that IROUTER sends here
        std::atomic<bool> unseen{false};         // wires has what bank.line has not
    };
    struct Candidate {
        unsigned intid = kSpurious;
        std::uint8_t priority = kIdlePriority;
    };

    // gic.cpp: the state machine. All with the mutex held.
    [[nodiscard]] InterruptBank& bank_of(unsigned pe, unsigned intid) noexcept;
    [[nodiscard]] Candidate best(const Pe& pe) const noexcept;
    void signal(unsigned pe) noexcept;
    void signal_all() noexcept;
    void spi_changed(unsigned intid) noexcept;
    void route(unsigned intid, unsigned pe) noexcept;
    unsigned acknowledge(unsigned pe) noexcept;
    void end_of_interrupt(unsigned pe, unsigned intid) noexcept;
    void deactivate(unsigned pe, unsigned intid) noexcept;
    void send_sgi(unsigned from, std::uint64_t value) noexcept;
    void see_levels(unsigned pe) noexcept;

    // gic_frames.cpp: memory-mapped registers.
    std::uint64_t read_distributor(unsigned offset, unsigned size) noexcept;
    void write_distributor(unsigned offset, unsigned size, std::uint64_t value) noexcept;
    [[nodiscard]] std::uint32_t read_distributor_control(unsigned offset) noexcept;
    void write_distributor_control(unsigned offset, std::uint32_t value) noexcept;
    [[nodiscard]] std::uint64_t read_router(unsigned offset, unsigned size) const noexcept;
    void write_router(unsigned offset, unsigned size, std::uint64_t value) noexcept;
    std::uint64_t read_redistributor(unsigned pe, unsigned offset, unsigned size) noexcept;
    void write_redistributor(unsigned pe, unsigned offset, unsigned size,
                             std::uint64_t value) noexcept;
    void message_spi(std::uint32_t intid, bool pending) noexcept;

    GicLayout layout_;
    IrqSink& sink_;
    std::mutex mutex_;
    std::uint32_t ctlr_ = 0;  // the enables alone
    std::uint32_t statusr_ = 0;
    std::array<InterruptBank, 32> banks_;  // bank 0 is empty: SGIs and PPIs are the PEs'
    std::uint32_t ready_banks_ = 0;        // banks of SPIs with anything ready
    std::array<std::uint8_t, 1024> target_{};
    std::unique_ptr<Pe[]> pes_;
    unsigned pe_count_;
};

}  // namespace gh::hyp
