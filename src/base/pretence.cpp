// SPDX-License-Identifier: BSD-3-Clause
#include "base/pretence.h"

#include <cstddef>
#include <cstdint>

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

namespace gh {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#endif

constexpr sock_filter load(std::uint32_t offset)
{
    return {BPF_LD | BPF_W | BPF_ABS, 0, 0, offset};
}

/// Skips so many instructions if the value is there, and so many if it is not.
constexpr sock_filter match(std::uint32_t value, std::uint8_t skip, std::uint8_t otherwise)
{
    return {BPF_JMP | BPF_JEQ | BPF_K, skip, otherwise, value};
}

}  // namespace

// Two instructions load, one for each call compares, two answer.
Pretence::Pretence(std::initializer_list<int> calls)
    : filter_{load(offsetof(seccomp_data, arch)),
              match(kArchitecture, 0, static_cast<std::uint8_t>(calls.size() + 1)),
              load(offsetof(seccomp_data, nr))}
{
    auto left = static_cast<std::uint8_t>(calls.size());
    for (const int call : calls)
        filter_.push_back(match(static_cast<std::uint32_t>(call), left--, 0));
    filter_.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW});
    filter_.push_back({BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO});
}

bool Pretence::begin() const noexcept
{
    const sock_fprog program{.len = static_cast<unsigned short>(filter_.size()),
                             .filter = const_cast<sock_filter*>(filter_.data())};
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

}  // namespace gh
