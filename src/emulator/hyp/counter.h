// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include <time.h>

namespace gh::hyp {

/// The system counter: CLOCK_MONOTONIC in ticks of 16 ns, so CNTVOFF is 0 for every VM, all PEs
/// agree and a deadline is a host time by a shift. 62.5 MHz is what Gunyah on QEMU shows (golden
/// cntfrq_el0) and finer than a phone's 19.2 MHz. clock_gettime() costs about what reading and
/// scaling the TSC ourselves would, and follows the host's own corrections.
inline constexpr std::uint64_t kCounterFrequency = 62'500'000;
inline constexpr unsigned kTickShift = 4;

inline std::uint64_t counter_now() noexcept
{
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return (static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
            static_cast<std::uint64_t>(now.tv_nsec)) >>
           kTickShift;
}

}  // namespace gh::hyp
