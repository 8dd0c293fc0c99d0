// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>

namespace gh::differential {

/// One emulated PE with all that a block of code can meet at EL0 and EL1: pages of every kind,
/// vectors that end the run, caches to maintain. Two of them, T0 and T1, must stay equal.
class World final : public cpu::Platform {
public:
    static constexpr std::uint64_t kPage = 4096;
    static constexpr unsigned kCodePages = 4;  // what follows them is not mapped

    /// The same code pages as EL0 may execute them, as EL1 may, as both may, and as both may write
    /// them.
    static constexpr std::uint64_t kUserCode = 0x1000'0000;
    static constexpr std::uint64_t kKernelCode = 0x1020'0000;
    static constexpr std::uint64_t kSharedCode = 0x1040'0000;
    static constexpr std::uint64_t kWritableDelta = 0x80'0000;  // from any of these
    static constexpr std::uint64_t kExitDelta = 0x10'0000;      // from the first three: an SVC

    /// Pages of kWindow: memory for all, then EL1's, all's, read-only, Device, none, all's.
    static constexpr std::uint64_t kWindow = 0x2000'0000;
    static constexpr unsigned kWindowPages = 10;
    static constexpr unsigned kFirstOddPage = 4;

    struct End {
        cpu::Exit exit;
        std::uint16_t outcome;  // immediate of the HVC that ended the run: which vector
        bool operator==(const End&) const = default;
    };

    /// T0, or T1 with blocks translated at their n-th entry.
    explicit World(std::optional<std::uint32_t> threshold);
    ~World() override;

    /// Puts code `offset` bytes into the code pages, as much as there is room for, and tells the PE
    /// by IC IVAU.
    void put(std::uint64_t offset, std::span<const std::uint32_t> words) noexcept;
    /// The state in which a case begins, but for what the case decides itself.
    [[nodiscard]] const cpu::State& initial() const noexcept { return initial_; }
    /// ERET from `state`, then runs until a vector is reached.
    End run(const cpu::State& state) noexcept;
    [[nodiscard]] const cpu::State& state() noexcept { return cpu_->state(); }
    [[nodiscard]] std::span<std::byte> window() noexcept;
    [[nodiscard]] std::span<const std::byte> code() const noexcept;

private:
    struct Ram;

    cpu::Page page(std::uint64_t ipa) noexcept override;
    cpu::MmioOutcome mmio(cpu::Cpu& cpu, cpu::MmioAccess& access) noexcept override;
    bool hypervisor_call(cpu::Cpu& cpu, bool smc, std::uint16_t immediate) noexcept override;
    bool read_register(cpu::Cpu& cpu, std::uint16_t id, std::uint64_t& value) noexcept override;
    bool write_register(cpu::Cpu& cpu, std::uint16_t id, std::uint64_t value) noexcept override;
    std::uint64_t random() noexcept override { return 0x0123'4567'89ab'cdef; }

    End call(std::uint64_t address) noexcept;
    void set_up() noexcept;
    void watch(const std::stop_token& stop) noexcept;

    std::unique_ptr<Ram> ram_;
    cpu::Cluster cluster_;
    std::unique_ptr<cpu::Cpu> cpu_;
    cpu::State initial_;
    std::uint16_t outcome_ = 0;
    std::atomic<std::uint64_t> runs_{0};
    std::jthread watchdog_;
};

}  // namespace gh::differential
