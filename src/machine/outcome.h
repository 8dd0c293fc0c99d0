// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/exit.h"

#include <string>

namespace gh::machine {

/// Exit codes of a VM that ran; the numbers are crosvm's: launchers know them.
inline constexpr int kPoweredOff = 0;  // also: ended by the person
inline constexpr int kHostError = 1;
inline constexpr int kReset = 32;
inline constexpr int kCrash = 33;
inline constexpr int kGuestPanic = 34;
inline constexpr int kWatchdog = 36;
inline constexpr int kNotReady = 37;  // gh-vmm's own: boot.timeout

/// Why a VM ended.
struct Outcome {
    int code = kPoweredOff;
    std::string why;     // a sentence without its full stop: "the guest powered off (...)"
    bool asked = false;  // by a person or program here, not by the guest
};

/// What the Resource Manager's word on the VM's end means (gunyah-uapi.md 3.4).
[[nodiscard]] Outcome outcome_of(const gunyah::StatusExit& exit);

/// The name of the event that tells of it, as gh-vmm(1) lists them under `events`.
[[nodiscard]] const char* event_name(const Outcome& outcome);

}  // namespace gh::machine
