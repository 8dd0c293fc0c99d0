// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/memlock.h"

#include "base/error.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include <sys/resource.h>

namespace gh::gunyah {
namespace {

// What else a VMM locks: the driver's own pages, the run pages.
constexpr std::uint64_t kSlack = 1u << 20;

// Bytes locked by this process at the moment, from /proc/self/status; 0 if that cannot be read.
std::uint64_t locked_now() noexcept
{
    unsigned long long kib = 0;
    std::FILE* const status = std::fopen("/proc/self/status", "re");
    if (status == nullptr)
        return 0;
    char line[128];
    bool found = false;
    while (!found && std::fgets(line, sizeof(line), status) != nullptr)
        found = std::sscanf(line, "VmPin: %llu", &kib) == 1;
    (void)std::fclose(status);
    return kib << 10;
}

}  // namespace

void raise_memlock(std::uint64_t bytes) noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    const rlim_t need = locked_now() + bytes + kSlack;
    if (limit.rlim_cur >= need)
        return;
    const rlimit wish{.rlim_cur = need, .rlim_max = std::max(need, limit.rlim_max)};
    if (::setrlimit(RLIMIT_MEMLOCK, &wish) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;  // all that an ordinary user may have
    (void)::setrlimit(RLIMIT_MEMLOCK, &limit);
}

void explain_memlock(std::uint64_t bytes)
{
    rlimit limit{};
    const std::uint64_t need = locked_now() + bytes + kSlack;
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur >= need)
        return;
    throw Error("the kernel will not lock the guest's memory: RLIMIT_MEMLOCK allows " +
                std::to_string(limit.rlim_cur >> 10) + " KiB and the guest needs " +
                std::to_string(need >> 10) +
                " KiB. Run gh-vmm as root, or raise the limit first: "
                "`ulimit -l " +
                std::to_string(need >> 10) +
                "` (as root) or memlock in "
                "/etc/security/limits.conf");
}

}  // namespace gh::gunyah
