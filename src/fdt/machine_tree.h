// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/view.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gh::fdt {

struct AddressRange {
    std::uint64_t base = 0;
    std::uint64_t size = 0;
};

/// A device that the VMM emulates: registers below 0x40000000 (Gunyah forwards no other accesses)
/// and an SPI that a doorbell of the same label raises.
struct MmioDevice {
    std::string name;  // of the node, without address: "serial"
    std::vector<std::string> compatible;
    AddressRange registers;
    std::optional<std::uint32_t> spi;
    bool level = false;
    std::vector<std::pair<std::string, std::uint32_t>> cells{};  // further properties of one cell
    std::string alias{};                                         // "serial0", or empty
    /// Reaches memory by itself, coherently; where RAM is lent, in the bounce buffer alone.
    bool dma = false;
    std::string title{};                  // what people call it: "disk0", or empty
    std::vector<std::string> clocks{};    // names of its inputs, all fed by the bus's clock
    std::optional<unsigned> power_key{};  // a GPIO controller: at this line is the power button
};

/// The clock of the bus of emulated devices, in Hz.
inline constexpr std::uint32_t kBusClock = 24'000'000;

/// Memory beside RAM. Each has a parcel of its own, so each gets a shm node that tells Resource
/// Managers which ignore guest addresses where it goes.
struct ExtraMemory {
    std::uint32_t label = 0;
    AddressRange range;
    bool swiotlb = false;  // the bounce buffer of a VM whose RAM is lent
};

struct GicAddresses {
    std::uint64_t distributor = 0x3fff'0000;
    std::uint64_t redistributors = 0x3fff'0000;  // of all CPUs, ending below the distributor
};

inline constexpr std::uint64_t kGicDistributorSize = 0x1'0000;
inline constexpr std::uint64_t kGicRedistributorSize = 0x2'0000;  // of each CPU

/// Where the GIC of a machine with that many CPUs lies.
[[nodiscard]] GicAddresses gic_addresses(unsigned cpus);

/// Random bytes for the guest. Left out of trees that are to be the same every time.
struct Seeds {
    std::uint64_t kaslr = 0;  // the Resource Manager writes its own over it
    std::array<std::byte, 64> rng{};
};

/// All that the devicetree says of a machine.
struct MachineDescription {
    std::string name;
    std::string bootargs;
    unsigned cpus = 1;
    AddressRange ram;
    std::vector<ExtraMemory> extra;
    std::vector<MmioDevice> devices;
    std::string stdout_alias;  // such as "serial0"; empty: no console
    std::optional<AddressRange> initrd;
    std::optional<Seeds> seeds;
    std::vector<std::byte> base;                   // a tree to start from; empty: none
    std::vector<std::vector<std::byte>> overlays;  // applied in this order at the end
};

/// Writes the tree that the Resource Manager and a Linux guest need. What it must say itself
/// replaces what `base` says; the rest of `base` stays. Throws Error: a base or an overlay that is
/// no devicetree or does not apply.
[[nodiscard]] std::vector<std::byte> write_machine_tree(const MachineDescription& machine);

}  // namespace gh::fdt
