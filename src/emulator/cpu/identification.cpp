// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/identification.h"

namespace gh::cpu {
namespace {

constexpr std::uint64_t field(std::uint64_t value, unsigned low)
{
    return value << low;
}

// No AArch32, no SVE, no pointer authentication (QARMA5 would cost more than everything else).
// CSV2, CSV3 and E0PD tell Linux that it needs no mitigation.
constexpr std::uint64_t kID_AA64PFR0_EL1 = field(1, 0) |    // EL0
                                           field(1, 4) |    // EL1
                                           field(1, 8) |    // EL2, as Gunyah shows it
                                           field(1, 12) |   // EL3
                                           field(1, 24) |   // GIC system registers
                                           field(1, 48) |   // DIT
                                           field(3, 56) |   // CSV2, with SCXTNUM_ELx
                                           field(1, 60);    // CSV3
constexpr std::uint64_t kID_AA64PFR1_EL1 = field(2, 4);     // SSBS
constexpr std::uint64_t kID_AA64DFR0_EL1 = field(6, 0) |    // DebugVer
                                           field(5, 12) |   // BRPs
                                           field(3, 20) |   // WRPs
                                           field(1, 28);    // CTX_CMPs
constexpr std::uint64_t kID_AA64ISAR0_EL1 = field(2, 4) |   // AES, PMULL
                                            field(1, 8) |   // SHA1
                                            field(2, 12) |  // SHA256, SHA512
                                            field(1, 16) |  // CRC32
                                            field(2, 20) |  // LSE
                                            field(1, 28) |  // RDM
                                            field(1, 44) |  // DotProd
                                            field(1, 52) |  // FlagM
                                            field(2, 56) |  // TLBI range, outer shareable
                                            field(1, 60);   // RNDR
constexpr std::uint64_t kID_AA64ISAR1_EL1 = field(1, 0) |   // DC CVAP
                                            field(1, 12) |  // JSCVT
                                            field(1, 16) |  // FCMA
                                            field(1, 20) |  // LRCPC
                                            field(1, 36);   // SB
constexpr std::uint64_t kID_AA64MMFR0_EL1 = field(1, 0) |   // PARange: 36 bits
                                            field(2, 4) |   // 16-bit ASIDs
                                            field(1, 20);   // 16 KiB granule (4 and 64 are 0)
constexpr std::uint64_t kID_AA64MMFR1_EL1 = field(2, 0) |   // HAFDBS
                                            field(1, 12) |  // HPDS
                                            field(3, 20) |  // PAN, EPAN
                                            field(1, 36) |  // ETS
                                            field(1, 60);   // ECBHB
constexpr std::uint64_t kID_AA64MMFR2_EL1 = field(1, 0) |   // CnP
                                            field(1, 36) |  // IDS
                                            field(1, 48) |  // TTL
                                            field(2, 52) |  // BBM
                                            field(1, 60);   // E0PD

}  // namespace

std::optional<std::uint64_t> identification_register(unsigned crm, unsigned op2) noexcept
{
    switch (crm << 4 | op2) {
    case 0x00: return kMIDR_EL1;
    case 0x06: return 0;  // REVIDR_EL1
    case 0x40: return kID_AA64PFR0_EL1;
    case 0x41: return kID_AA64PFR1_EL1;
    case 0x50: return kID_AA64DFR0_EL1;
    case 0x60: return kID_AA64ISAR0_EL1;
    case 0x61: return kID_AA64ISAR1_EL1;
    case 0x70: return kID_AA64MMFR0_EL1;
    case 0x71: return kID_AA64MMFR1_EL1;
    case 0x72: return kID_AA64MMFR2_EL1;
    default: break;
    }
    if (crm == 0 || crm > 7)
        return std::nullopt;
    return 0;
}

std::uint64_t cache_size(std::uint64_t csselr) noexcept
{
    switch (csselr & 0xf) {
    case 0: return 0x701f'e00a;  // L1 data: 32 KiB, 4 ways
    case 1: return 0x201f'e012;  // L1 instruction: 32 KiB, 2 ways
    case 2: return 0x70ff'e07a;  // L2: 512 KiB
    default: return 0;
    }
}

}  // namespace gh::cpu
