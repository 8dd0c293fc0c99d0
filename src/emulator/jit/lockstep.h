// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"
#include "emulator/cpu/rewind.h"
#include "emulator/jit/unit.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>

namespace gh::jit {

/// T0 and T1 in lock step: T0 runs the instructions of a unit, everything is taken back, the unit's
/// host code runs from the same state, and State, the exclusive monitor and the memory stored to
/// must be the same. In this mode a unit is left after one pass and never linked, and every branch
/// out of it ends the pass. What has effects elsewhere (devices, clocks, interrupt controller,
/// maintenance, waiting) is not done twice: T0 does it alone, with the handler that serves T1 too.
///
/// Two things may differ: State::x[kSink], which nobody reads, and the second word of a reservation
/// that has only one.
class Lockstep {
public:
    /// Told of each difference in lines for people.
    using Report = std::function<void(const std::string&)>;

    /// Without a report, the first difference is printed and the process aborts.
    Lockstep(cpu::Cpu& cpu, Report report);
    /// Logs how much was compared.
    ~Lockstep();
    Lockstep(const Lockstep&) = delete;
    Lockstep& operator=(const Lockstep&) = delete;

    /// Leaves of `items` what can be compared in one pass, possibly none.
    static void shorten(Items& items);

    /// What `unit` was made of. Both until forget().
    void keep(const Unit* unit, Items items);
    void forget() noexcept { items_.clear(); }

    /// Runs `unit`, whose head is the present block, in both tiers; T1 by `run_unit`. nullptr: the
    /// block begins with what cannot be compared, which runs in T0.
    const cpu::Insn* run(const Unit* unit, cpu::Handler run_unit, const cpu::Insn* gate) noexcept;

private:
    /// How far T0 came.
    struct Pass {
        std::size_t instructions = 0;
        bool whole = false;  // false: the next one cannot be done twice
    };
    Pass interpret(const Items& items) noexcept;
    const cpu::Insn* run_alone() noexcept;
    void settle(const Item& item, const cpu::Insn* next) noexcept;
    void compare(const Items& items, const Pass& pass, const cpu::State& expected,
                 const cpu::Exclusive& monitor);

    cpu::Cpu& cpu_;
    const cpu::HotState hot_;
    Report report_;
    cpu::Rewind rewind_;
    std::unordered_map<const Unit*, Items> items_;
    std::uint64_t passes_ = 0;
    std::uint64_t compared_ = 0;  // instructions
    std::uint64_t alone_ = 0;     // instructions of hot blocks that only T0 ran
    std::uint64_t differences_ = 0;
};

/// One pass of a unit whose two runs differ.
struct Difference {
    std::span<const Item> items;  // those that T0 ran
    const cpu::State& before;
    const cpu::State& expected;  // T0's
    const cpu::State& found;     // T1's
    bool monitor;                // whether the exclusive monitors differ
    std::span<const cpu::Rewind::Stored> stored;
};

/// Lines for people: the instructions, and what differs.
[[nodiscard]] std::string describe(const Difference& difference);

}  // namespace gh::jit
