// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// GICv3 register offsets (IHI 0069, chapter 12) and the values that real Gunyah showed
/// (golden/guest-probe.golden.txt, "# GIC").
namespace gh::hyp {

enum : unsigned {
    GICD_CTLR = 0x0000,
    GICD_TYPER = 0x0004,
    GICD_IIDR = 0x0008,
    GICD_STATUSR = 0x0010,
    GICD_SETSPI_NSR = 0x0040,
    GICD_CLRSPI_NSR = 0x0048,
    GICD_IGROUPR = 0x0080,
    GICD_ISENABLER = 0x0100,
    GICD_ICENABLER = 0x0180,
    GICD_ISPENDR = 0x0200,
    GICD_ICPENDR = 0x0280,
    GICD_ISACTIVER = 0x0300,
    GICD_ICACTIVER = 0x0380,
    GICD_IPRIORITYR = 0x0400,
    GICD_ITARGETSR = 0x0800,
    GICD_ICFGR = 0x0c00,
    GICD_IGRPMODR = 0x0d00,
    GICD_SGIR = 0x0f00,
    GICD_IROUTER = 0x6000,
    GICD_IROUTER_END = 0x8000,
    GICD_PIDR2 = 0xffe8,

    GICR_CTLR = 0x0000,
    GICR_IIDR = 0x0004,
    GICR_TYPER = 0x0008,
    GICR_PROPBASER = 0x0070,
    GICR_PENDBASER = 0x0078,
    GICR_PIDR2 = 0xffe8,
};

inline constexpr std::uint32_t kTyper = 0x0349'001f;  // A3V, 10 ID bits, MBIS, 1023 INTIDs, No1N
inline constexpr std::uint32_t kIidr = 0x4700'0070;
inline constexpr std::uint32_t kPidr2 = 0x30;  // GICv3

inline constexpr std::uint32_t kCtlrEnables = 3;  // EnableGrp1, EnableGrp0
inline constexpr std::uint32_t kCtlrEnableGroup1 = 2;
inline constexpr std::uint32_t kCtlrFixed = 0x50;  // DS, ARE

inline constexpr std::uint32_t kStatusReadOfWriteOnly = 4;  // RWOD
inline constexpr std::uint32_t kStatusWriteOfReadOnly = 8;  // WROD

inline constexpr std::uint64_t kDistributorSize = 0x1'0000;
inline constexpr std::uint64_t kRedistributorSize = 0x2'0000;
inline constexpr unsigned kSgiFrame = 0x1'0000;  // of a redistributor

inline constexpr unsigned kFirstSpi = 32;
inline constexpr unsigned kSpiEnd = 1020;  // 988 SPIs
inline constexpr unsigned kSpurious = 1023;
inline constexpr std::uint8_t kPriorityMask = 0xf8;  // 5 bits
inline constexpr std::uint8_t kIdlePriority = 0xff;

}  // namespace gh::hyp
