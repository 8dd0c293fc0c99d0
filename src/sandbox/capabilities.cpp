// SPDX-License-Identifier: BSD-3-Clause
#include "sandbox/capabilities.h"

#include "base/error.h"

#include <array>
#include <cstdint>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gh::sandbox {
namespace {

constexpr int kMost = 64;  // two words of 32 bits
using Sets = std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3>;

// What exec could bring back. Only who has CAP_SETPCAP may, and nobody who has not needs to.
void drop_bounding_set()
{
    for (int capability = 0; capability < kMost; ++capability)
        if (::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 1)
            (void)::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

}  // namespace

void drop_capabilities(const std::vector<int>& kept)
{
    drop_bounding_set();
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    Sets sets{};
    if (::syscall(SYS_capget, &header, sets.data()) != 0)
        throw_errno("capget");
    Sets wanted{};
    for (const int capability : kept) {
        const std::uint32_t bit = 1u << (capability % 32);
        const auto word = static_cast<std::size_t>(capability / 32);
        wanted.at(word).permitted |= sets.at(word).permitted & bit;
        wanted.at(word).effective |= sets.at(word).effective & bit;
    }
    if (::syscall(SYS_capset, &header, wanted.data()) != 0)
        throw_errno("capset");
}

}  // namespace gh::sandbox
