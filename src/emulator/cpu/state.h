// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>

namespace gh::cpu {

/// One SIMD and floating-point register: d[0] holds bits 63:0.
struct alignas(16) Vreg {
    std::array<std::uint64_t, 2> d{};
    bool operator==(const Vreg&) const = default;
};

/// Where register 31 lives in State::x, by what the encoding means by it. Decoding settles this
/// once, so no instruction tests for 31.
inline constexpr unsigned kSp = 31;    // the stack pointer of the current EL and PSTATE.SP
inline constexpr unsigned kZero = 32;  // reads as zero, never written
inline constexpr unsigned kSink = 33;  // written by instructions whose result is dropped

inline constexpr std::uint32_t kFpcrWritable = 0x07c0'0000;  // AHP, DN, FZ, RMode
inline constexpr std::uint32_t kFpsrWritable = 0x0800'009f;  // QC, IDC, IXC, UFC, OFC, DZC, IOC

inline constexpr unsigned kBreakpoints = 6;  // DBGBVRn_EL1, DBGBCRn_EL1
inline constexpr unsigned kWatchpoints = 4;  // DBGWVRn_EL1, DBGWCRn_EL1

/// PSTATE.DAIF where MRS DAIF has them.
inline constexpr std::uint32_t kDaifD = 1u << 9;
inline constexpr std::uint32_t kDaifA = 1u << 8;
inline constexpr std::uint32_t kDaifI = 1u << 7;
inline constexpr std::uint32_t kDaifF = 1u << 6;

/// The architectural state of one PE that guest software can see or save: general registers,
/// PSTATE, V registers, EL1 system registers. Plain data, so that tests compare it and a translator
/// can address it. GIC CPU interface and timers live with their owner (hyp/).
struct State {
    std::array<std::uint64_t, 34> x{};
    std::uint64_t pc = 0;
    std::uint32_t nzcv = 0;  // N, Z, C, V in bits 31:28, as MRS NZCV has them
    std::uint32_t daif = kDaifD | kDaifA | kDaifI | kDaifF;
    std::uint8_t el = 1;      // 0 or 1
    std::uint8_t sp_sel = 1;  // PSTATE.SP
    bool pan = false;
    bool uao = false;
    bool dit = false;
    bool ssbs = false;
    bool il = false;
    bool ss = false;
    std::uint32_t fpcr = 0;
    std::uint32_t fpsr = 0;
    std::array<Vreg, 32> v{};

    // The stack pointers that are not in x[kSp] at the moment.
    std::uint64_t sp_el0 = 0;
    std::uint64_t sp_el1 = 0;

    std::uint64_t sctlr_el1 = 0x30d0'0800;  // golden boot.SCTLR
    std::uint64_t cpacr_el1 = 0;
    std::uint64_t ttbr0_el1 = 0;
    std::uint64_t ttbr1_el1 = 0;
    std::uint64_t tcr_el1 = 0;
    std::uint64_t mair_el1 = 0;
    std::uint64_t vbar_el1 = 0;
    std::uint64_t elr_el1 = 0;
    std::uint64_t spsr_el1 = 0;
    std::uint64_t esr_el1 = 0;
    std::uint64_t far_el1 = 0;
    std::uint64_t par_el1 = 0;
    std::uint64_t afsr0_el1 = 0;
    std::uint64_t afsr1_el1 = 0;
    std::uint64_t contextidr_el1 = 0;
    std::uint64_t tpidr_el0 = 0;
    std::uint64_t tpidrro_el0 = 0;
    std::uint64_t tpidr_el1 = 0;
    std::uint64_t scxtnum_el0 = 0;
    std::uint64_t scxtnum_el1 = 0;
    std::uint64_t csselr_el1 = 0;
    std::uint64_t mdscr_el1 = 0;
    std::array<std::uint64_t, kBreakpoints> dbgbvr{};
    std::array<std::uint64_t, kBreakpoints> dbgbcr{};
    std::array<std::uint64_t, kWatchpoints> dbgwvr{};
    std::array<std::uint64_t, kWatchpoints> dbgwcr{};

    bool operator==(const State&) const = default;
};

}  // namespace gh::cpu
