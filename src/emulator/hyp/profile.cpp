// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/profile.h"

#include <time.h>

namespace gh::hyp {
namespace {

std::uint64_t read_clock(clockid_t clock)
{
    timespec now{};
    (void)::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
           static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t host_time() noexcept
{
    return read_clock(CLOCK_MONOTONIC);
}

std::uint64_t thread_time() noexcept
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

}  // namespace gh::hyp
