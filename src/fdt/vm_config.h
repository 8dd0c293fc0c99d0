// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/finding.h"
#include "fdt/view.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What Gunyah's Resource Manager (RM) reads from a VM's devicetree, by its rules: one reader for
/// the emulated RM, which acts on it, and for the linter, which tells people. Rules and their order
/// as observed on the RM of 12/2023; where it differs from newer ones, a finding says so.
namespace gh::fdt {

/// Guest addresses have 36 bits.
inline constexpr std::uint64_t kAddressLimit = std::uint64_t{1} << 36;

struct CpuNode {
    enum class Status { Boots, Off, Failed };
    std::string path;
    Status status = Status::Off;
    std::uint64_t mpidr = 0;
};

struct GicNode {
    std::string path;
    bool placed_by_rm = false;  // no reg: the RM takes these addresses and writes them to the node
    std::uint64_t distributor = 0x4001'0000;
    std::uint64_t redistributors = 0x4002'0000;
    std::uint64_t stride = 0x2'0000;
};

/// The interrupt of a vdevice, by which the guest hears of it.
struct VdeviceInterrupt {
    std::uint32_t intid = 0;  // 32..1019
    bool level = false;
};

struct DoorbellNode {
    std::string path;
    std::string generate;  // the node the RM makes, without @capability
    std::uint32_t label = 0;
    bool source = false;         // the guest rings it and its owner hears it: no interrupt here
    VdeviceInterrupt interrupt;  // else
    bool source_can_clear = false;
    std::vector<std::string> push_compatible;
};

/// A message queue, a pair of them (one each way), or the pair that leads to the RM.
struct QueueNode {
    std::string path;
    std::string generate;  // without @capability
    std::uint32_t label = 0;
    bool sends = false;                // the guest has a queue to send to,
    bool receives = false;             // and one to receive from
    VdeviceInterrupt not_full;         // of the queue it sends to
    VdeviceInterrupt not_empty;        // of the queue it receives from
    std::uint32_t message_size = 240;  // at most, in bytes; 1..1023
    std::uint32_t depth = 8;           // messages; 1..255
    std::string peer;                  // another VM's id: that of a pair which is not its owner's
    bool console = false;              // of the RM's: the VM has a console
    std::vector<std::string> push_compatible;
};

struct ShmNode {
    std::string path;
    std::string generate;
    std::uint32_t label = 0;         // of the device
    std::uint32_t memory_label = 0;  // of the parcel
    std::optional<std::uint64_t> base;
    std::uint64_t dma_base = ~std::uint64_t{0};
    bool optional = false;
    std::vector<std::string> push_compatible;
};

/// A vdevice that is known to the RM but to nobody here.
struct OtherVdevice {
    std::string path;
    std::string type;
    std::string generate;
    std::uint32_t label = 0;
};

struct ReservedMemory {
    std::string path;
    std::optional<std::uint32_t> label;
    std::optional<std::uint64_t> base;  // none: only a size, left to the guest
    std::uint64_t size = 0;
};

struct VmConfigTree {
    std::string image_name;
    std::string vm_uri;
    std::string vm_guid;
    std::uint64_t base_address = 0x2880'0000;  // 2 MiB aligned; the default is the platform's
    bool proxy = false;
    bool psci = false;
    std::vector<CpuNode> cpus;  // in order: the index is the vCPU's number
    GicNode gic;
    std::optional<QueueNode> rpc;
    std::vector<DoorbellNode> doorbells;  // in order: the index is the order of capabilities
    std::vector<QueueNode> queues;        // one-way ones first, else in order
    std::vector<ShmNode> shms;
    std::vector<OtherVdevice> others;
    std::vector<ReservedMemory> reserved;
    bool patch_dtb = true;          // "no-dtb-patch" clears it, for RMs that know it
    std::uint64_t total_size = 0;   // of the blob
    std::uint64_t region_size = 0;  // Platform's
    std::vector<Finding> findings;  // in the order in which the RM comes upon them

    /// The first finding that ends START, for whoever acts on the tree; null: none.
    [[nodiscard]] const Finding* refusal() const;
};

/// What the tree is measured against.
struct Platform {
    unsigned max_cpus = 8;          // cores the hypervisor has
    std::uint64_t region_size = 0;  // bytes given by SET_DTB_CONFIG; 0: not known, not checked
};

/// Reads the tree in `blob` (hostile or not). Never throws for what the tree says.
[[nodiscard]] VmConfigTree read_vm_config(Bytes blob, const Platform& platform = {});

/// Memory that the VM's owner gave: one region, one parcel.
struct Parcel {
    std::uint32_t label = 0;
    std::uint64_t size = 0;
    bool image = false;  // holds the devicetree
    bool lent = false;
};

/// Where VM_START maps each parcel (by index), and what it refuses, in order.
struct ParcelLayout {
    std::vector<std::uint64_t> at;
    std::vector<Finding> findings;

    [[nodiscard]] const Finding* refusal() const;
};

/// The RM's placement: the image parcel at base-address, a parcel with a shm node at its base, any
/// other at the first free address above the info page. Guest addresses the owner asked for mean
/// nothing here. Also checks what VM_START checks of the tree.
[[nodiscard]] ParcelLayout place_parcels(const VmConfigTree& tree,
                                         const std::vector<Parcel>& parcels);

}  // namespace gh::fdt
