// SPDX-License-Identifier: BSD-3-Clause
#include "cli/vm_table.h"

#include "base/text.h"
#include "config/quantity.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gh::cli {
namespace {

constexpr std::size_t kColumns = 6;
using Row = std::array<std::string, kColumns>;

std::string columns(std::vector<Row> rows)
{
    for (Row& row : rows)
        std::for_each(row.begin(), row.end(), make_printable<std::string>);
    std::array<std::size_t, kColumns> widths{};
    for (const Row& row : rows)
        for (std::size_t i = 0; i < kColumns; ++i)
            widths.at(i) = std::max(widths.at(i), row.at(i).size());
    std::string text;
    for (const Row& row : rows) {
        for (std::size_t i = 0; i + 1 < kColumns; ++i)
            text += row.at(i) + std::string(widths.at(i) + 2 - row.at(i).size(), ' ');
        text += row.back() + "\n";
    }
    return text;
}

std::string line(const std::string& name, const std::string& value)
{
    constexpr std::size_t kWidth = 12;
    std::string text = name + std::string(kWidth - std::min(kWidth, name.size()), ' ') + value;
    make_printable(text);
    return text + "\n";
}

std::string vcpu_text(const control::VcpuStatus& vcpu)
{
    std::array<char, 160> text{};
    (void)std::snprintf(text.data(), text.size(),
                        "%.2f s, exits: %llu reads, %llu writes, %llu faults, %llu other",
                        vcpu.cpu_seconds, static_cast<unsigned long long>(vcpu.mmio_reads),
                        static_cast<unsigned long long>(vcpu.mmio_writes),
                        static_cast<unsigned long long>(vcpu.page_faults),
                        static_cast<unsigned long long>(vcpu.interrupted));
    return text.data();
}

}  // namespace

std::string uptime_text(double seconds)
{
    const auto all = static_cast<unsigned long long>(seconds);
    constexpr unsigned kDay = 24 * 3600;
    std::array<char, 48> text{};
    (void)std::snprintf(text.data(), text.size(), "%02llu:%02llu:%02llu", all % kDay / 3600,
                        all % 3600 / 60, all % 60);
    return (all >= kDay ? std::to_string(all / kDay) + "d " : "") + text.data();
}

std::string list_text(const std::vector<control::Status>& vms)
{
    std::vector<Row> rows{{"NAME", "PID", "STATE", "UP", "MEMORY", "VCPUS"}};
    for (const auto& vm : vms)
        rows.push_back({vm.name, std::to_string(vm.pid), vm.state, uptime_text(vm.uptime),
                        config::format_size(vm.memory), std::to_string(vm.vcpus.size())});
    return columns(rows);
}

std::string status_text(const control::Status& vm)
{
    std::string text = line("name", vm.name) + line("pid", std::to_string(vm.pid));
    text += line("state", vm.state + (vm.why.empty() ? "" : ": " + vm.why));
    text += line("ready", vm.ready ? "yes" : "no") + line("up", uptime_text(vm.uptime));
    text += line("memory", config::format_size(vm.memory) +
                               (vm.balloon == 0 ? ""
                                                : ", " + config::format_size(vm.balloon) +
                                                      " of them given back"));
    text += line("restarts", std::to_string(vm.restarts));
    text += line("hypervisor", vm.hypervisor);
    for (std::size_t i = 0; i < vm.vcpus.size(); ++i)
        text += line("vcpu " + std::to_string(i), vcpu_text(vm.vcpus[i]));
    for (const auto& console : vm.consoles) {
        text += line(console.name, console.type + (console.path.empty() ? "" : " " + console.path) +
                                       ", " + std::to_string(console.sent) + " bytes out, " +
                                       std::to_string(console.received) + " in");
    }
    for (const auto& device : vm.devices)
        text += line(device.name, std::to_string(device.interrupts) + " interrupts, " +
                                      std::to_string(device.sent) + " bytes out, " +
                                      std::to_string(device.received) + " in");
    return text;
}

}  // namespace gh::cli
