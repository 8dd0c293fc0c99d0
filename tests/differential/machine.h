// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"
#include "protocol.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <thread>

namespace gh::differential {

/// Our side: one emulated PE that runs cases at EL0, in the world that Linux would give a process:
/// the same addresses, exceptions told as signals.
class Machine final : public cpu::Platform {
public:
    /// `translated`: every block is translated at its first entry (tier T1).
    explicit Machine(bool translated);
    ~Machine() override;

    /// Takes code and window of `batch`.
    void load(const Batch& batch) noexcept;
    /// Runs from `registers` and leaves the outcome there.
    void run(Registers& registers) noexcept;
    [[nodiscard]] std::span<const std::byte> window() const noexcept;

    static constexpr std::uint32_t kLoops = 14;  // SIGALRM: Registers::signal of a case without end

private:
    struct Ram;

    cpu::Page page(std::uint64_t ipa) noexcept override;
    cpu::MmioOutcome mmio(cpu::Cpu& cpu, cpu::MmioAccess& access) noexcept override;
    bool hypervisor_call(cpu::Cpu& cpu, bool smc, std::uint16_t immediate) noexcept override;
    bool read_register(cpu::Cpu& cpu, std::uint16_t id, std::uint64_t& value) noexcept override;
    bool write_register(cpu::Cpu& cpu, std::uint16_t id, std::uint64_t value) noexcept override;
    std::uint64_t random() noexcept override;

    void call(std::uint64_t address) noexcept;
    void map_pages() noexcept;
    void watch(const std::stop_token& stop) noexcept;

    std::unique_ptr<Ram> ram_;
    cpu::Cluster cluster_;
    std::unique_ptr<cpu::Cpu> cpu_;
    std::uint16_t outcome_ = 0;  // immediate of the HVC that ended the run
    std::atomic<std::uint64_t> runs_{0};
    std::jthread watchdog_;
};

}  // namespace gh::differential
