// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/finding.h"

#include <algorithm>
#include <utility>

namespace gh::fdt {
namespace {

/// The RM's stages: parsing, the look at the whole, virtual devices, VM_START.
int stage(const Finding& finding)
{
    if (finding.phase == Phase::Start)
        return 3;
    switch (finding.error) {
    case RmError::MemInvalid: return 0;
    case RmError::Denied:
    case RmError::ArgumentInvalid: return 1;
    case RmError::NoResource: return 2;
    }
    return 3;
}

bool comes_before(const Finding& a, const Finding& b)
{
    return stage(a) < stage(b);
}

}  // namespace

const char* errno_name(RmError error)
{
    switch (error) {
    case RmError::NoResource: return "ENODEV";
    case RmError::Denied: return "EPERM";
    case RmError::ArgumentInvalid:
    case RmError::MemInvalid: return "EINVAL";
    }
    return "?";
}

Finding refused(Phase phase, RmError error, std::string rule, std::string path,
                const std::string& reason)
{
    const char* const call = phase == Phase::Init ? "VM_INIT" : "VM_START";
    return {Finding::Kind::Refused,
            phase,
            error,
            std::move(rule),
            std::move(path),
            reason + " (START fails with " + errno_name(error) + ": the Resource Manager refuses " +
                call + ")"};
}

const Finding* first_refusal(const std::vector<Finding>& findings)
{
    const auto it = std::find_if(findings.begin(), findings.end(),
                                 [](const Finding& finding) { return finding.ends_start(); });
    return it == findings.end() ? nullptr : &*it;
}

void sort_by_stage(std::vector<Finding>& findings)
{
    std::stable_sort(findings.begin(), findings.end(), comes_before);
}

}  // namespace gh::fdt
