// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"
#include "emulator/jit/code_memory.h"
#include "emulator/jit/stubs.h"
#include "emulator/jit/unit.h"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace gh::jit {

class Lockstep;

/// Tier T1 of one PE: its units, how they are found, linked and forgotten.
class Jit final : public cpu::Translator {
public:
    /// Throws Error where the system allows no executable memory.
    Jit(cpu::Cpu& cpu, std::uint32_t threshold, std::size_t code_size);
    ~Jit() override;

    /// From now on each unit is compared with T0. Before the PE runs.
    void check_against_interpreter(std::function<void(const std::string&)> report);

    [[nodiscard]] std::uint32_t threshold() const noexcept override { return threshold_; }
    void translate(cpu::Block& block) noexcept override;
    void forget_page(const std::byte* host) noexcept override;

    /// What a stub does next: host code to enter, or else the instruction to return to T0.
    struct Resume {
        const cpu::Insn* insn;
        const void* entry;
    };
    static Resume resume_at_link(Jit& jit, Link& link) noexcept;
    static Resume resume_at(Jit& jit, std::uint64_t target) noexcept;

private:
    static constexpr std::size_t kPages = 1024;

    static const cpu::Insn* run_in_lockstep(cpu::Cpu& cpu, const cpu::Insn* gate) noexcept;
    static const cpu::Insn* run_unit(cpu::Cpu& cpu, const cpu::Insn* gate) noexcept;
    Resume go_to(std::uint64_t target) noexcept;
    Items collect(cpu::Block& head) noexcept;
    static void unlink(Link& link) noexcept;
    void forget(Unit& unit) noexcept;
    void start_afresh() noexcept;
    void tell(const Unit* unit, const Items& items, std::uint64_t nanoseconds) const;
    [[nodiscard]] static std::size_t page_of(const std::byte* host) noexcept;
    [[nodiscard]] bool el0() const noexcept;

    cpu::Cpu& cpu_;
    const std::uint32_t threshold_;
    const cpu::HotState hot_;
    CodeMemory memory_;
    Stubs stubs_;
    unsigned generation_ = 0;
    std::array<Unit*, kPages> pages_{};
    std::unique_ptr<Lockstep> lockstep_;  // nullptr: nearly always
};

}  // namespace gh::jit
