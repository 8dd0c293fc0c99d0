// SPDX-License-Identifier: BSD-3-Clause
#include "fdt/vm_config_reader.h"

#include <algorithm>

namespace gh::fdt {

void VmConfigReader::read_vcpus(Offset node)
{
    vcpus_ = node;
    const auto affinity = view_.text(node, "affinity");
    out_.proxy = affinity == "proxy";
    if (affinity && *affinity != "proxy" && *affinity != "static" && *affinity != "sticky" &&
        *affinity != "pinned")
        odd(node, "affinity", "affinity \"" + *affinity + "\" is unknown and taken as static");
    priority_ = static_cast<std::int32_t>(view_.u32(node, "sched-priority").value_or(0));
    timeslice_ = view_.u32(node, "sched-timeslice").value_or(0);

    const std::string path = view_.text(node, "config").value_or("/cpus");
    if (const auto cpus = view_.find(path))
        read_cpus(*cpus);
    else
        refuse(node, "cpus", "there is no " + path + " (vcpus/config says where the CPUs are)");
    check_affinity(node);
}

void VmConfigReader::read_cpus(Offset cpus)
{
    for (const Offset node : view_.children(cpus))
        if (view_.lists(node, "device_type", "cpu"))
            read_cpu(node, cpus);
    const bool boots = std::any_of(out_.cpus.begin(), out_.cpus.end(), [](const CpuNode& cpu) {
        return cpu.status == CpuNode::Status::Boots;
    });
    if (!boots)
        refuse(cpus, "boot-cpu",
               "no CPU is enabled at boot: the first needs device_type = \"cpu\" and no status");
}

void VmConfigReader::read_cpu(Offset node, Offset cpus)
{
    using Status = CpuNode::Status;
    const auto status = view_.text(node, "status");
    const std::size_t index = out_.cpus.size();
    CpuNode cpu{path_of(node), index == 0 ? Status::Boots : Status::Off, 0x8000'0000 | index};
    if (status && status->starts_with("fail"))
        cpu.status = Status::Failed;
    else if (status == "okay")
        cpu.status = Status::Boots;
    else if (status == "disabled")
        cpu.status = Status::Off;
    else if (status)
        refuse(node, "cpu-status", "status \"" + *status + "\" is not one the RM knows");
    if (status == "okay" && index != 0)
        odd(node, "cpu-status", "status \"okay\": this CPU boots at the kernel's entry too");
    if (cpu.status == Status::Off)
        read_secondary(node, cpus);
    if (view_.has(node, "cpu-idle-states"))
        out_.psci = true;
    else
        all_idle_states_ = false;
    if (view_.u32(node, "reg").value_or(~0u) != index)
        odd(node, "cpu-reg",
            "reg should be the CPU's number: newer Resource Managers make the MPIDR of it");
    out_.cpus.push_back(std::move(cpu));
}

void VmConfigReader::read_secondary(Offset node, Offset cpus)
{
    const bool own = view_.has(node, "enable-method");
    const auto method = view_.text(own ? node : cpus, "enable-method");
    if (method == "psci")
        out_.psci = true;
    else if (method != "qcom,gunyah-hvc")
        refuse(node, "enable-method",
               method ? "enable-method \"" + *method + "\" is not psci"
                      : std::string("a secondary CPU needs enable-method = \"psci\""));
}

/// Cross-checked when /cpus is known: only a VM without a proxy scheduler needs a map.
void VmConfigReader::check_affinity(Offset vcpus)
{
    if (out_.proxy)
        return;
    const auto map = view_.property(vcpus, "affinity-map");
    if (!map || map->size() != 4 * out_.cpus.size())
        refuse(vcpus, "affinity",
               "affinity is not \"proxy\" and affinity-map does not name a core for each CPU");
}

void VmConfigReader::check_cpus()
{
    const std::string path = vcpus_ ? path_of(*vcpus_) : "/gunyah-vm-config";
    if (!out_.proxy && vcpus_ && out_.psci && !all_idle_states_)
        refuse(RmError::MemInvalid, "cpu-idle-states", path,
               "a VM that is not proxy needs cpu-idle-states in every CPU");
    if (!vcpus_)
        refuse(RmError::NoResource, "vcpus", path,
               "there is no vcpus node, so the VM is not proxy and has no time slice");
    else if (!out_.proxy && (priority_ >= 0 || timeslice_ < 100 || timeslice_ > 100'000))
        refuse(RmError::NoResource, "affinity", path,
               "a VM that is not proxy needs sched-priority < 0 and sched-timeslice 100..100000");
    else if (!out_.proxy)
        out_.findings.push_back({Finding::Kind::Doomed, Phase::Init, RmError::NoResource,
                                 "affinity", path,
                                 "affinity is not \"proxy\": the hypervisor runs the vCPUs itself, "
                                 "no VMM can run them or sees their MMIO, and the VM's end makes "
                                 "the RM of 2023 assert"});
    if (out_.cpus.size() > platform_.max_cpus)
        refuse(RmError::NoResource, "cpu-count", path,
               std::to_string(out_.cpus.size()) + " CPUs, but the platform has " +
                   std::to_string(platform_.max_cpus) + " cores");
    if (!out_.psci && vcpus_)
        odd(*vcpus_, "psci",
            "PSCI stays off (no psci node, no cpu-idle-states, no secondary with psci): every call "
            "answers -1 and the guest cannot power off; it powers CPUs by their capabilities");
}

}  // namespace gh::fdt
