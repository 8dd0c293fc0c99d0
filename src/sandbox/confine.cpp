// SPDX-License-Identifier: BSD-3-Clause
#include "sandbox/confine.h"

#include "base/error.h"
#include "sandbox/capabilities.h"

#include <sys/prctl.h>

namespace gh::sandbox {
namespace {

void restrict_files(const std::vector<Policy::File>& files)
{
    Landlock landlock;
    for (const auto& [path, use] : files)
        landlock.allow(path, use);
    landlock.enter();
}

template <class Step>
void attempt(std::vector<std::string>& missing, Step step)
{
    try {
        step();
    } catch (const Error& error) {
        missing.emplace_back(error.what());
    }
}

}  // namespace

// Each step needs what the later ones take.
std::vector<std::string> confine(const Policy& policy)
{
    std::vector<std::string> missing;
    attempt(missing, [&] { drop_capabilities(policy.capabilities); });
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        throw_errno("prctl PR_SET_NO_NEW_PRIVS");
    attempt(missing, [&] { restrict_files(policy.files); });
    attempt(missing, [&] { restrict_system_calls(policy.reach); });
    return missing;
}

}  // namespace gh::sandbox
