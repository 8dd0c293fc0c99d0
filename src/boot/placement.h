// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "boot/kernel.h"

#include <array>

namespace gh::boot {

/// The devicetree's region: all that the boot protocol lets a kernel map, and room enough for the
/// Resource Manager's overlay.
inline constexpr std::uint64_t kDtbRegion = 0x20'0000;

/// How a vCPU that starts at the first byte of RAM gets to the kernel. Gunyah starts a VM at the
/// beginning of the memory that holds the devicetree; only newer drivers can set another PC.
enum class EntryBy {
    Start,    // it is there
    Branch,   // one branch instruction is written to the start of RAM
    Context,  // impossible without SET_BOOT_CONTEXT: out of a branch's reach, or no room for one
};

/// What lies where at boot.
struct Placement {
    Extent ram;
    Extent kernel;
    std::optional<Extent> initrd;
    Extent dtb;  // 2 MiB, 2 MiB aligned, close behind the kernel: one chunk of memory can hold both
    Gpa entry{};
    EntryBy entry_by = EntryBy::Start;
};

/// Finds a place for everything (booting.rst of arm64: the tree within 2 MiB, the initrd within a
/// 32 GiB window that covers the kernel). Throws Error with the numbers where RAM does not suffice.
[[nodiscard]] Placement place(const Extent& ram, const KernelExtent& kernel,
                              std::optional<std::uint64_t> initrd_size);

/// The A64 instruction that goes to the start of RAM for EntryBy::Branch.
[[nodiscard]] std::array<std::byte, 4> branch_to_entry(const Placement& placement);

}  // namespace gh::boot
