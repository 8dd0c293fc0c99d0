// SPDX-License-Identifier: BSD-3-Clause
#include "base/error.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gh {
namespace {

/// As strerror(), but safe in any thread.
std::string describe(int err)
{
    const char* const text = ::strerrordesc_np(err);
    return text != nullptr ? text : "error " + std::to_string(err);
}

}  // namespace

void throw_errno(const std::string& what, int err)
{
    throw Error(what + ": " + describe(err));
}

std::string errno_text(int err)
{
    const char* const name = ::strerrorname_np(err);
    return std::string(name != nullptr ? name : "errno " + std::to_string(err)) + " (" +
           describe(err) + ")";
}

void check_failed(const char* condition, const char* file, int line) noexcept
{
    (void)std::fprintf(stderr, "gh-vmm: bug: %s does not hold at %s:%d; please report this\n",
                       condition, file, line);
    std::abort();
}

}  // namespace gh
