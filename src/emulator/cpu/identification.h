// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

/// What the PE says it is (cpu-engine.md 2.10; MIDR and the zero registers as Gunyah shows them,
/// golden guest-probe).
namespace gh::cpu {

/// What the PE can address. ID_AA64MMFR0_EL1.PARange says less, as Gunyah has it: beyond the VM's
/// memory stage 2 faults, not stage 1 (golden addr.0x1000000000).
inline constexpr unsigned kPhysicalAddressBits = 48;

inline constexpr std::uint64_t kMIDR_EL1 = 0x000f'0480;
/// DIC = 0: the guest must tell of changed code by IC IVAU, which is how the block cache hears of
/// it. IDC = 1: it need not clean data caches for that. 64-byte lines.
inline constexpr std::uint64_t kCTR_EL0 = 0x9444'c004;
inline constexpr std::uint64_t kDCZID_EL0 = 4;  // DC ZVA writes a line
inline constexpr std::uint64_t kLineSize = 64;  // bytes
inline constexpr std::uint64_t kCLIDR_EL1 = 0x0200'0023;

/// The value of an identification register in the space op0 = 3, op1 = 0, CRn = 0; nullopt:
/// unallocated. CRm 1..7 read as zero where nothing is said.
[[nodiscard]] std::optional<std::uint64_t> identification_register(unsigned crm,
                                                                   unsigned op2) noexcept;

/// CCSIDR_EL1 for a CSSELR_EL1.
[[nodiscard]] std::uint64_t cache_size(std::uint64_t csselr) noexcept;

}  // namespace gh::cpu
