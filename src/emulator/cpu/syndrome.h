// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::cpu {

/// ESR_ELx.EC (DDI 0487 D17.2.37).
enum class ExceptionClass : std::uint8_t {
    Unknown = 0x00,
    TrappedWf = 0x01,
    TrappedFp = 0x07,
    IllegalState = 0x0e,
    Svc64 = 0x15,
    TrappedSystem = 0x18,
    InstructionAbortLower = 0x20,
    InstructionAbortSame = 0x21,
    PcAlignment = 0x22,
    DataAbortLower = 0x24,
    DataAbortSame = 0x25,
    SpAlignment = 0x26,
    BreakpointLower = 0x30,
    BreakpointSame = 0x31,
    SoftwareStepLower = 0x32,
    SoftwareStepSame = 0x33,
    WatchpointLower = 0x34,
    WatchpointSame = 0x35,
    Brk64 = 0x3c,
};

/// What a load or store tells stage 2 about itself (ISS with ISV = 1): enough for a device to
/// answer and the access to be finished without the instruction. Invalid for pairs, exclusives,
/// atomics, write-back and SIMD forms.
struct Syndrome {
    bool valid = false;
    bool sign_extend = false;
    bool wide = false;    // the register is X, not W
    std::uint8_t rt = 0;  // index of State::x for a load
};

}  // namespace gh::cpu
