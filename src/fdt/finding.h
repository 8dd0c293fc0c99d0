// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What is wrong with a VM's devicetree, or with the memory given to it, in the Resource Manager's
/// (RM's) eyes.
namespace gh::fdt {

/// The RM call that fails. GH_VM_START makes both: VM_INIT parses the tree and creates vCPUs, GIC
/// and doorbells; VM_START accepts the memory and patches the tree.
enum class Phase { Init, Start };

/// The RM's error codes that a tree can provoke. The kernel turns NoResource into ENODEV, Denied
/// into EPERM and the others into EINVAL.
enum class RmError : std::uint32_t {
    NoResource = 2,
    Denied = 3,
    ArgumentInvalid = 6,
    MemInvalid = 0xa,
};

struct Finding {
    enum class Kind {
        Refused,  // START fails
        Fatal,    // the real RM asserts, now or when the VM ends, and is dead for every VM
        Doomed,   // START succeeds; when the VM ends, the RM of 2023 asserts and is dead likewise
        Odd,      // accepted, but not as written
    };
    Kind kind = Kind::Odd;
    Phase phase = Phase::Init;            // of what ends START
    RmError error = RmError::MemInvalid;  // of what ends START
    std::string rule;                     // its name, such as "base-address"
    std::string path;                     // of the node
    std::string message;                  // what is wrong and what real firmware makes of it

    /// Refused or Fatal: not for us either.
    [[nodiscard]] bool ends_start() const noexcept
    {
        return kind == Kind::Refused || kind == Kind::Fatal;
    }
};

/// A finding with its consequence spelt out behind the reason.
[[nodiscard]] Finding refused(Phase phase, RmError error, std::string rule, std::string path,
                              const std::string& reason);

/// The first that ends START; null: none.
[[nodiscard]] const Finding* first_refusal(const std::vector<Finding>& findings);

/// Puts them into the order in which the RM comes upon them.
void sort_by_stage(std::vector<Finding>& findings);

/// RM error as the errno's name that GH_VM_START answers.
[[nodiscard]] const char* errno_name(RmError error);

}  // namespace gh::fdt
