// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/rm/hypervisor_config.h"

#include "emulator/rm/capabilities.h"
#include "fdt/vm_config.h"

namespace gh::rm {

hyp::VmConfig hypervisor_config(const fdt::VmConfigTree& tree, const Policy& policy)
{
    hyp::VmConfig config;
    config.engine = policy.engine;
    config.strict_code = policy.strict_code;
    config.profiler = policy.profiler;
    config.debugger = policy.debugger;
    for (const fdt::CpuNode& cpu : tree.cpus)
        if (cpu.status != fdt::CpuNode::Status::Failed)
            config.vcpus.push_back({cpu.mpidr, cpu.status == fdt::CpuNode::Status::Boots});
    config.gic = {Gpa{tree.gic.distributor}, Gpa{tree.gic.redistributors}, tree.gic.stride};
    for (const fdt::DoorbellNode& bell : tree.doorbells)
        config.doorbells.push_back(
            {bell.label, bell.interrupt.intid, bell.interrupt.level, bell.source_can_clear});
    const Capabilities capabilities(tree);
    config.message_queues = capabilities.message_queues();
    config.capabilities = capabilities.all();
    config.psci = tree.psci;
    config.proxy = tree.proxy;
    return config;
}

}  // namespace gh::rm
