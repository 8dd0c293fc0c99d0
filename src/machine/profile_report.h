// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/profile.h"
#include "machine/symbols.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gh::machine {

/// What the code of a guest is called.
struct GuestNames {
    const Symbols& symbols;
    std::uint64_t displacement = 0;  // of the running kernel from its symbols

    /// "function+0x1c", or the address. EL0 and EL1's lower half are no kernel.
    [[nodiscard]] std::string place(std::uint64_t va, unsigned el) const;
    /// "function", or an empty string.
    [[nodiscard]] std::string function(std::uint64_t va, unsigned el) const;
};

/// The report of a run as tables in text, for a person to read.
[[nodiscard]] std::string profile_report(
    const std::vector<std::unique_ptr<hyp::VcpuProfile>>& vcpus, const GuestNames& names);

}  // namespace gh::machine
