// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/mapping.h"
#include "emulator/cpu/platform.h"
#include "emulator/hyp/vm.h"

#include <cstdint>
#include <vector>

namespace gh::hyp {

/// Stage 2 of a VM: which page of host memory stands behind a guest-physical address, and which
/// addresses the owner answers. Unchanging after construction, so any thread may ask.
class AddressSpace {
public:
    /// Accesses below this address that nothing else answers leave the VM as VMMIO exits
    /// (gunyah-guest-abi.md 3.8).
    static constexpr std::uint64_t kVmmioEnd = 0x4000'0000;
    /// The Resource Manager's info page: reads 0, not writable (golden addr.0x40000000).
    static constexpr std::uint64_t kInfoPage = 0x4000'0000;
    static constexpr std::uint64_t kPageSize = 0x1000;

    explicit AddressSpace(std::vector<RamRange> ram);

    [[nodiscard]] cpu::Page page(std::uint64_t ipa) const noexcept;
    [[nodiscard]] static bool is_vmmio(std::uint64_t ipa) noexcept { return ipa < kVmmioEnd; }

private:
    std::vector<RamRange> ram_;  // by address
    Mapping info_page_;
};

}  // namespace gh::hyp
