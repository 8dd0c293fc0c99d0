// SPDX-License-Identifier: BSD-3-Clause
#include "machine/outcome.h"

#include "gunyah/explain.h"

#include <array>
#include <cstdio>

namespace gh::machine {
namespace {

// reason[0..3] of a VM_EXIT call: flags in the low half, the guest's exit code in the high.
constexpr std::uint8_t kRestart = 1;
constexpr unsigned kSoftwareError = 1;

// "exit type 2, reason 00 00 00 00"
std::string evidence(const gunyah::StatusExit& exit)
{
    std::string text = "exit type " + std::to_string(exit.type) + ", reason";
    for (const std::uint8_t byte : exit.reason_bytes()) {
        std::array<char, 8> hex{};
        (void)std::snprintf(hex.data(), hex.size(), " %02x", byte);
        text += hex.data();
    }
    return exit.reason_bytes().empty() ? text + " none" : text;
}

Outcome vm_exit_call(const gunyah::StatusExit& exit)
{
    const unsigned code = exit.reason[2] | static_cast<unsigned>(exit.reason[3]) << 8;
    if ((exit.reason[0] & kRestart) != 0)
        return {kReset, "the guest asked to be restarted"};
    if (code == kSoftwareError)
        return {kGuestPanic, "the guest reported a software error"};
    if (code != 0)
        return {kGuestPanic, "the guest reported error " + std::to_string(code)};
    return {kPoweredOff, gunyah::explain_end(exit.type)};
}

int exit_code_of(gunyah::ExitType type)
{
    switch (type) {
    case gunyah::ExitType::VmExit:
    case gunyah::ExitType::PlatformOff: return kPoweredOff;
    case gunyah::ExitType::PlatformReset:
    case gunyah::ExitType::SystemReset2: return kReset;
    case gunyah::ExitType::WatchdogBite: return kWatchdog;
    case gunyah::ExitType::SoftwareError:
    case gunyah::ExitType::AsyncHwError:
    case gunyah::ExitType::StopForced: return kCrash;
    }
    return kCrash;
}

Outcome exited(const gunyah::StatusExit& exit)
{
    const auto type = static_cast<gunyah::ExitType>(exit.type);
    if (type == gunyah::ExitType::VmExit)
        return vm_exit_call(exit);
    return {exit_code_of(type), gunyah::explain_end(exit.type)};
}

}  // namespace

Outcome outcome_of(const gunyah::StatusExit& exit)
{
    Outcome outcome{kCrash, "the VM crashed"};
    if (exit.status == gunyah::GH_VM_STATUS_LOAD_FAILED)
        outcome.why = "the VM could not be loaded";
    else if (exit.status == gunyah::GH_VM_STATUS_EXITED)
        outcome = exited(exit);
    outcome.why += " (" + evidence(exit) + ")";
    return outcome;
}

const char* event_name(const Outcome& outcome)
{
    if (outcome.asked)
        return "stopped";
    switch (outcome.code) {
    case kPoweredOff: return "poweroff";
    case kReset: return "reset";
    case kGuestPanic: return "panic";
    case kWatchdog: return "watchdog";
    case kNotReady: return "boot-timeout";
    default: return "crash";
    }
}

}  // namespace gh::machine
