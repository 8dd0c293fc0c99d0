// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "fdt/node_paths.h"
#include "fdt/vm_config.h"

#include <string>
#include <string_view>

/// The parts of read_vm_config(): vm_config.cpp walks the tree, vm_gic.cpp, vm_cpus.cpp,
/// vm_vdevices.cpp and vm_queues.cpp read their branches. Private to the room.
namespace gh::fdt {

class VmConfigReader {
public:
    VmConfigReader(const View& view, const Platform& platform, VmConfigTree& out)
        : view_(view), platform_(platform), out_(out), paths_(view)
    {
    }

    void read();

private:
    // vm_config.cpp: the walk, /gunyah-vm-config and its memory
    bool claim(Offset node, int depth);
    bool claim_config_child(Offset node, std::string_view path);
    void read_root(Offset root);
    void read_memory_node(Offset node);
    void read_config(Offset node);
    void read_attributes(Offset node);
    void read_config_memory(Offset node);
    void read_sizes(Offset node);
    void read_chosen_and_reserved();
    void read_reserved(Offset node);
    void check_config();
    // vm_gic.cpp
    void read_interrupts(Offset node);
    void read_gic(Offset node);
    void read_gic_reg(Offset node);
    void check_gic();
    // vm_cpus.cpp
    void read_vcpus(Offset node);
    void read_cpus(Offset cpus);
    void read_cpu(Offset node, Offset cpus);
    void read_secondary(Offset node, Offset cpus);
    void check_affinity(Offset vcpus);
    void check_cpus();
    // vm_vdevices.cpp
    bool read_vdevice(Offset node);
    void read_doorbell(Offset node, bool source);
    void read_shm(Offset node);
    void read_shm_memory(Offset node, ShmNode& shm);
    void read_other(Offset node, std::string_view type);
    bool peer_is_good(Offset node);
    std::vector<VdeviceInterrupt> read_vdevice_interrupts(Offset node, std::size_t count);
    const char* flaw_of_interrupt(Bytes triple) const;
    void check_vdevices();
    void claim_interrupts();
    void claim_interrupt(VdeviceInterrupt& interrupt, const std::string& path);
    void check_doorbell_labels();
    std::uint32_t label(Offset node) const;
    // vm_queues.cpp
    void read_queue(Offset node);
    void read_queue_pair(Offset node);
    void read_rpc(Offset node);
    QueueNode read_queue_basics(Offset node, const char* generate, bool sends, bool receives);
    void check_queues();
    void check_queue(const QueueNode& queue);
    void check_rpc();

    [[nodiscard]] std::string path_of(Offset node) const { return paths_.of(node); }
    void refuse(RmError error, std::string rule, std::string path, const std::string& reason);
    void refuse(Offset node, std::string rule, const std::string& reason)
    {
        refuse(RmError::MemInvalid, std::move(rule), path_of(node), reason);
    }
    void odd(Offset node, std::string rule, std::string message);

    const View& view_;
    const Platform& platform_;
    VmConfigTree& out_;
    NodePaths paths_;

    std::size_t vdevices_ = 0;
    std::uint32_t root_address_cells_ = 2;
    std::uint32_t root_size_cells_ = 1;
    std::optional<Offset> interrupt_parent_;
    std::optional<Offset> gic_;
    std::optional<Offset> vcpus_;
    bool config_seen_ = false;
    bool interrupts_config_bad_ = false;
    bool base_given_ = false;
    std::optional<std::uint32_t> size_min_;
    std::optional<std::uint32_t> size_max_;
    bool all_idle_states_ = true;
    std::int32_t priority_ = 0;
    std::uint32_t timeslice_ = 0;
    std::vector<std::uint32_t> taken_intids_;
    std::size_t rpcs_ = 0;
};

}  // namespace gh::fdt
