// SPDX-License-Identifier: BSD-3-Clause
#include "base/text.h"
#include "control/status.h"

#include <array>
#include <cstdio>
#include <string_view>

namespace gh::control {
namespace {

std::string escaped(std::string_view value)
{
    std::string text;
    for (const char c : value) {
        if (c == '\\' || c == '"')
            text += '\\';
        text += c;
    }
    make_printable(text);  // a line's end would be escaped as well, but no name has one
    return text;
}

std::string number_text(double value)
{
    std::array<char, 32> text{};
    (void)std::snprintf(text.data(), text.size(), "%.6f", value);
    return text.data();
}

/// Writes families of samples: a family's lines stand together, below their description.
class Metrics {
public:
    explicit Metrics(const std::string& vm) : vm_("vm=\"" + escaped(vm) + "\"") {}

    void family(std::string_view name, std::string_view type, std::string_view help)
    {
        name_ = "gh_vmm_" + std::string(name);
        text_ += "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " +
                 std::string(type) + "\n";
    }
    void sample(const std::string& value, const std::string& labels = "")
    {
        text_ += name_ + "{" + vm_ + (labels.empty() ? "" : "," + labels) + "} " + value + "\n";
    }
    void sample(std::uint64_t value, const std::string& labels = "")
    {
        sample(std::to_string(value), labels);
    }

    [[nodiscard]] std::string text() const { return text_; }

private:
    std::string vm_;
    std::string name_;
    std::string text_;
};

std::string label(std::string_view name, std::string_view value)
{
    return std::string(name) + "=\"" + escaped(value) + "\"";
}

void add_vm(Metrics& out, const Status& status)
{
    out.family("up_seconds", "gauge", "Time since the guest was started.");
    out.sample(number_text(status.uptime));
    out.family("ready", "gauge", "1 if the guest has said that it is ready.");
    out.sample(std::uint64_t{status.ready ? 1u : 0u});
    out.family("state", "gauge", "1 for the state that the VM is in.");
    for (const auto* state : {"starting", "running", "paused", "stopping", "restarting", "ended"})
        out.sample(std::uint64_t{status.state == state ? 1u : 0u}, label("state", state));
    out.family("memory_bytes", "gauge", "Guest RAM.");
    out.sample(status.memory);
    out.family("balloon_bytes", "gauge", "Guest RAM that the guest has given back.");
    out.sample(status.balloon);
    out.family("restarts_total", "counter", "How often the VM was restarted.");
    out.sample(status.restarts);
}

void add_vcpus(Metrics& out, const Status& status)
{
    const auto vcpu = [](std::size_t id) { return label("vcpu", std::to_string(id)); };
    out.family("vcpu_cpu_seconds_total", "counter", "Host CPU time of a vCPU's thread.");
    for (std::size_t id = 0; id < status.vcpus.size(); ++id)
        out.sample(number_text(status.vcpus[id].cpu_seconds), vcpu(id));
    out.family("vcpu_exits_total", "counter", "Returns from the hypervisor, by their reason.");
    for (std::size_t id = 0; id < status.vcpus.size(); ++id) {
        const VcpuStatus& of = status.vcpus[id];
        out.sample(of.mmio_reads, vcpu(id) + "," + label("reason", "mmio_read"));
        out.sample(of.mmio_writes, vcpu(id) + "," + label("reason", "mmio_write"));
        out.sample(of.page_faults, vcpu(id) + "," + label("reason", "page_fault"));
        out.sample(of.interrupted, vcpu(id) + "," + label("reason", "interrupted"));
    }
}

void add_bytes(Metrics& out, const auto& of, const std::string& labels)
{
    out.sample(of.sent, labels + "," + label("direction", "from_guest"));
    out.sample(of.received, labels + "," + label("direction", "to_guest"));
}

void add_devices(Metrics& out, const Status& status)
{
    out.family("device_interrupts_total", "counter", "Interrupts that a device raised.");
    for (const auto& device : status.devices)
        out.sample(device.interrupts, label("device", device.name));
    out.family("device_bytes_total", "counter", "Bytes that went through a device.");
    for (const auto& device : status.devices)
        add_bytes(out, device, label("device", device.name));
    out.family("console_bytes_total", "counter",
               "Bytes that went through a serial line or a port of the virtio console.");
    for (const auto& console : status.consoles)
        add_bytes(out, console, label("console", console.name));
}

}  // namespace

std::string metrics(const Status& status)
{
    Metrics out(status.name);
    add_vm(out, status);
    add_vcpus(out, status);
    add_devices(out, status);
    return out.text();
}

}  // namespace gh::control
