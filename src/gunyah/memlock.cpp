// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/memlock.h"

#include "base/error.h"

#include <algorithm>
#include <string>

#include <sys/resource.h>

namespace gh::gunyah {
namespace {

// What else a VMM locks: the driver's own pages, the run pages.
constexpr std::uint64_t kSlack = 1u << 20;

}  // namespace

void raise_memlock(std::uint64_t bytes) noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return;
    const rlim_t need = bytes + kSlack;
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
    const std::uint64_t need = bytes + kSlack;
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
