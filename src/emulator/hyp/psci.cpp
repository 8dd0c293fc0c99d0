// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/psci.h"

#include "base/bits.h"

#include <cstring>

namespace gh::hyp {

namespace {

enum : std::uint32_t {
    PSCI_VERSION = 0x8400'0000,
    CPU_SUSPEND_32 = 0x8400'0001,
    CPU_OFF = 0x8400'0002,
    CPU_ON_32 = 0x8400'0003,
    AFFINITY_INFO_32 = 0x8400'0004,
    SYSTEM_OFF = 0x8400'0008,
    SYSTEM_RESET = 0x8400'0009,
    PSCI_FEATURES = 0x8400'000a,
    CPU_DEFAULT_SUSPEND_32 = 0x8400'000c,
    SET_SUSPEND_MODE = 0x8400'000f,
    SYSTEM_RESET2_32 = 0x8400'0012,
    SMCCC_VERSION = 0x8000'0000,

    CPU_SUSPEND_64 = 0xc400'0001,
    CPU_ON_64 = 0xc400'0003,
    AFFINITY_INFO_64 = 0xc400'0004,
    CPU_DEFAULT_SUSPEND_64 = 0xc400'000c,
    SYSTEM_RESET2_64 = 0xc400'0012,
};

constexpr std::uint64_t kSuccess = 0;
constexpr std::uint64_t kInvalidParameters = ~std::uint64_t{1};  // -2
constexpr std::uint64_t kPsciDenied = ~std::uint64_t{2};         // -3
constexpr std::uint64_t kAlreadyOn = ~std::uint64_t{3};          // -4
constexpr std::uint64_t kInternalFailure = ~std::uint64_t{5};    // -6

constexpr std::uint64_t kVersion = 0x1'0001;
constexpr std::uint64_t kExtendedStateId = 2;  // of PSCI_FEATURES(CPU_SUSPEND)
constexpr unsigned kStateTypePowerDown = 30;   // bit of an extended power_state
constexpr std::uint64_t kVcpuSlots = 8;        // MPIDRs that Gunyah knows, with or without vCPU

constexpr std::uint16_t kPlatformOff = 1;
constexpr std::uint16_t kPlatformReset = 2;
constexpr std::uint16_t kSystemReset2 = 3;
constexpr std::uint16_t kReset2Is64Bit = 0x8000;  // in the flags of the exit reason

/// Unsupported functions answer -1 in 32 bits (golden README 02.13).
std::uint64_t features(std::uint32_t function)
{
    switch (function) {
    case CPU_SUSPEND_32:
    case CPU_SUSPEND_64: return kExtendedStateId;
    case PSCI_VERSION:
    case CPU_OFF:
    case CPU_ON_32:
    case CPU_ON_64:
    case AFFINITY_INFO_32:
    case AFFINITY_INFO_64:
    case SYSTEM_OFF:
    case SYSTEM_RESET:
    case PSCI_FEATURES:
    case CPU_DEFAULT_SUSPEND_32:
    case CPU_DEFAULT_SUSPEND_64:
    case SET_SUSPEND_MODE:
    case SYSTEM_RESET2_32:
    case SYSTEM_RESET2_64:
    case SMCCC_VERSION: return 0;
    default: return 0xffff'ffff;
    }
}

template <class T>
void put(VmExit& exit, std::size_t offset, T value)
{
    std::memcpy(exit.reason.data() + offset, &value, sizeof value);
}

}  // namespace

After Psci::call(Call& call) noexcept
{
    const std::uint32_t function = call.function();
    if (!bit(function, 30))  // golden psci.cpu_on.1.32bit: arguments are cut where they stand
        for (unsigned n = 1; n <= 3; ++n)
            call.x[n] = call.word(n);
    std::uint64_t& result = call.x[0];
    switch (function) {
    case PSCI_VERSION: result = kVersion; return After::GoOn;
    case PSCI_FEATURES: result = features(call.word(1)); return After::GoOn;
    case CPU_ON_32:
    case CPU_ON_64: result = cpu_on(call); return After::GoOn;
    case AFFINITY_INFO_32:
    case AFFINITY_INFO_64: result = affinity_info(call); return After::GoOn;
    case SET_SUSPEND_MODE:  // platform-coordinated is the only mode
        result = call.word(1) == 0 ? kSuccess : bits(kInvalidParameters, 0, 32);
        return After::GoOn;
    case CPU_SUSPEND_32:
    case CPU_SUSPEND_64:
        return suspend(call, call.x[1], bit(call.x[1], kStateTypePowerDown),
                       {call.x[2], call.x[3]});
    case CPU_DEFAULT_SUSPEND_32:
    case CPU_DEFAULT_SUSPEND_64: return suspend(call, 0, true, {call.x[1], call.x[2]});
    case CPU_OFF: return cpu_off(call);
    case SYSTEM_OFF: return system_off();
    case SYSTEM_RESET: return system_reset(call);
    case SYSTEM_RESET2_32:
    case SYSTEM_RESET2_64: return system_reset2(call);
    default: result = kNotSupported; return After::GoOn;
    }
}

std::uint64_t Psci::cpu_on(const Call& call) noexcept
{
    const std::uint64_t target = call.x[1];
    if (const auto vcpu = power_.find(target))
        return power_.turn_on(*vcpu, {call.x[2], call.x[3]}) ? kSuccess : kAlreadyOn;
    const bool known = (target & 0xff'00ff'ffff) < kVcpuSlots;
    return known ? kInternalFailure : kInvalidParameters;
}

/// The last vCPU of a proxy VM goes too, and nobody can wake the VM then (golden README 01.3). That
/// of others is refused (guest ABI 3.6; not probed): the real hypervisor counts vCPUs only where it
/// aggregates their power states, which it does not for a proxy VM (1.4).
After Psci::cpu_off(Call& call) noexcept
{
    if (power_.turn_off(call.vcpu, proxy_))
        return After::Leave;
    call.x[0] = kPsciDenied;
    return After::GoOn;
}

std::uint64_t Psci::affinity_info(const Call& call) const noexcept
{
    const auto vcpu = power_.find(call.x[1]);
    if (!vcpu || call.x[2] != 0)
        return kInvalidParameters;
    return power_.is_on(*vcpu) ? 0 : 1;
}

After Psci::suspend(Call& call, std::uint64_t power_state, bool power_down,
                    const Start& start) noexcept
{
    call.x[0] = kSuccess;
    if (call.irq)
        return After::GoOn;
    Suspension suspension{.power_state = power_state, .resume = std::nullopt};
    if (power_down)
        suspension.resume = start;
    power_.own(call.vcpu).suspension = suspension;
    return After::Leave;
}

After Psci::system_off() noexcept
{
    power_.end({.type = kPlatformOff, .reason_size = 4, .reason = {}});
    return After::Leave;
}

After Psci::system_reset(Call& call) noexcept
{
    power_.own(call.vcpu).farewell =
        VcpuRunResult{VcpuState::SystemReset, {std::uint64_t{1} << 63, 0, 0}};
    power_.end({.type = kPlatformReset, .reason_size = 4, .reason = {}});
    return After::Leave;
}

/// The reason is flags, code, type, cookie (golden README 01.18).
After Psci::system_reset2(Call& call) noexcept
{
    const bool wide = bit(call.function(), 30);
    const std::uint32_t type = call.word(1);
    VmExit exit{.type = kSystemReset2, .reason_size = 16, .reason = {}};
    put(exit, 0, wide ? kReset2Is64Bit : std::uint16_t{0});
    put(exit, 4, type);
    put(exit, 8, call.x[2]);
    power_.own(call.vcpu).farewell =
        VcpuRunResult{VcpuState::SystemReset, {std::uint64_t{wide} << 62 | type, call.x[2], 0}};
    power_.end(exit);
    return After::Leave;
}

}  // namespace gh::hyp
