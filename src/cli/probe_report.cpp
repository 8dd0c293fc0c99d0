// SPDX-License-Identifier: BSD-3-Clause
#include "cli/probe_report.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

namespace gh::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string size_text(std::uint64_t bytes)
{
    std::array<char, 32> text{};
    const bool large = bytes >> 30 != 0;
    std::snprintf(text.data(), text.size(), "%.1f %s",
                  static_cast<double>(bytes) / (large ? 0x1p30 : 0x1p20), large ? "GiB" : "MiB");
    return text.data();
}

std::string row(const std::string& name, const std::string& value)
{
    return name + std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') + value + "\n";
}

std::string memory_text(const gunyah::Abi& abi)
{
    std::string text;
    switch (abi.memory) {
    case gunyah::MemoryCall::LentFlag:
    case gunyah::MemoryCall::LendCall: text = "shared or lent"; break;
    case gunyah::MemoryCall::ShareOnly: text = "shared"; break;
    case gunyah::MemoryCall::GuestMem: text = "shared or lent, made by the driver"; break;
    }
    text += abi.honours_addresses ? ", where the VM's owner says"
                                  : ", where the Resource Manager chooses: give one region";
    if (abi.max_chunk != 0)
        text += ", " + size_text(abi.max_chunk) + " at a time";
    return text;
}

std::string device_rows(const ProbeReport& report)
{
    const auto& found = report.inspection;
    std::string text = row("device", report.device + (report.emulated ? " (built in)" : ""));
    if (found.abi != nullptr) {
        text += row("generation", std::string(found.abi->name) + " (" + found.abi->seen_in + ")");
        text += row("memory", memory_text(*found.abi));
    } else {
        text += row("generation", found.vendor ? "the vendor's, type 0xB2" : "none");
    }
    for (const bool present : {true, false}) {
        std::string names;
        for (const auto& feature : found.features)
            if (feature.present == present)
                names += (names.empty() ? "" : ", ") + std::string(feature.name);
        if (!names.empty())
            text += row(present ? "has" : "has not", names);
    }
    if (!report.engine.empty())
        text += row("engine", report.engine);
    if (report.vcpus)
        text += row("vCPUs", "at most " + std::to_string(*report.vcpus));
    else if (found.abi != nullptr)
        text += row("vCPUs", "the device does not say; the firmware's cores");
    return text;
}

std::string host_rows(const gunyah::Host& host)
{
    std::string text = row("kernel", host.kernel);
    text += row("pages", std::to_string(host.page_size >> 10) + " KiB" +
                             (host.huge_pages.empty() ? "" : ", huge ones: " + host.huge_pages));
    text += row("free memory", size_text(host.available) + " of " + size_text(host.memory));
    if (host.cgroup_limit)
        text += row("memory cgroup", size_text(*host.cgroup_limit));
    return text + row("memlock", host.privileged || !host.memlock
                                     ? "unlimited"
                                     : "at most " + size_text(*host.memlock));
}

Json optional_number(const std::optional<std::uint64_t>& value)
{
    return value ? Json(*value) : Json(nullptr);
}

Json host_json(const gunyah::Host& host)
{
    return {{"kernel", host.kernel},
            {"page_size", host.page_size},
            {"huge_pages", host.huge_pages},
            {"memory", host.memory},
            {"available", host.available},
            {"cgroup_limit", optional_number(host.cgroup_limit)},
            {"memlock", optional_number(host.privileged ? std::nullopt : host.memlock)},
            {"selinux_enforcing", host.selinux_enforcing}};
}

const char* name_of(gunyah::MemoryCall memory)
{
    switch (memory) {
    case gunyah::MemoryCall::LentFlag: return "lent-flag";
    case gunyah::MemoryCall::ShareOnly: return "share-only";
    case gunyah::MemoryCall::LendCall: return "lend-call";
    case gunyah::MemoryCall::GuestMem: return "guest-memory-files";
    }
    return "";
}

Json abi_json(const gunyah::Abi& abi)
{
    return {{"name", abi.name},
            {"seen_in", abi.seen_in},
            {"memory", name_of(abi.memory)},
            {"honours_addresses", abi.honours_addresses},
            {"max_chunk", abi.max_chunk},
            {"page_faults", abi.page_faults},
            {"memlock_accounted", abi.memlock_accounted},
            {"boot_context", abi.boot_context}};
}

}  // namespace

bool ProbeReport::usable() const
{
    return inspection.abi != nullptr &&
           std::none_of(inspection.obstacles.begin(), inspection.obstacles.end(),
                        [](const gunyah::Obstacle& obstacle) { return obstacle.fatal; });
}

std::string probe_text(const ProbeReport& report)
{
    std::string text = device_rows(report) + host_rows(report.host);
    for (const auto& obstacle : report.inspection.obstacles) {
        text += (obstacle.fatal ? "problem: " : "note: ") + obstacle.what + "\n";
        if (!obstacle.remedy.empty())
            text += "  " + obstacle.remedy + "\n";
    }
    return text + (report.usable() ? "VMs can be made.\n" : "No VM can be made.\n");
}

std::string probe_json(const ProbeReport& report)
{
    const auto& found = report.inspection;
    Json features = Json::object();
    for (const auto& feature : found.features)
        features[feature.name] = feature.present;
    Json obstacles = Json::array();
    for (const auto& it : found.obstacles)
        obstacles.push_back({{"fatal", it.fatal}, {"what", it.what}, {"remedy", it.remedy}});
    const Json all{{"device", report.device},
                   {"emulated", report.emulated},
                   {"usable", report.usable()},
                   {"vendor", found.vendor},
                   {"generation", found.abi != nullptr ? abi_json(*found.abi) : Json(nullptr)},
                   {"features", features},
                   {"vcpus", report.vcpus ? Json(*report.vcpus) : Json(nullptr)},
                   {"host", host_json(report.host)},
                   {"obstacles", obstacles}};
    return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace gh::cli
