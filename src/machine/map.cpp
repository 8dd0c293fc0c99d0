// SPDX-License-Identifier: BSD-3-Clause
#include "machine/map.h"

#include "memory/hex.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace gh::machine {
namespace {

struct Stretch {
    std::uint64_t base = 0;
    std::uint64_t size = 0;
    std::string what;
    std::string details;
    std::optional<std::uint32_t> spi{};
};

constexpr std::uint64_t kInfoPage = 0x4000'0000;

std::string access_text(const Access& access)
{
    return std::string(access.read ? "r" : "-") + (access.write ? "w" : "-") +
           (access.execute ? "x" : "-");
}

std::string region_text(const RegionSpec& region)
{
    std::string text = "label " + std::to_string(region.label) + ", " + access_text(region.access) +
                       (region.sharing == Sharing::Lend ? ", lent" : ", shared");
    if (region.file)
        text += ", " + *region.file + (region.copy_on_write ? " (copy on write)" : "");
    return text;
}

std::string entry_text(const boot::Placement& placement)
{
    std::string at = "entry " + hex(raw(placement.entry));
    switch (placement.entry_by) {
    case boot::EntryBy::Start: return at;
    case boot::EntryBy::Branch: return at + " by a branch at the start of RAM";
    case boot::EntryBy::Context: return at + ", which needs SET_BOOT_CONTEXT (android15 and later)";
    }
    return at;
}

void add_devices(std::vector<Stretch>& map, const Plan& plan)
{
    for (const auto& device : plan.devices) {
        Stretch stretch{device.registers.base, device.registers.size, device.name,
                        device.compatible.empty() ? "" : device.compatible.front(), device.spi};
        if (device.spi)
            stretch.details += ", SPI " + std::to_string(*device.spi) + " (interrupt " +
                               std::to_string(*device.spi + 32) + ", " +
                               (device.level ? "level" : "edge") + ")";
        if (!device.title.empty())
            stretch.what = device.title;
        else if (!device.alias.empty())
            stretch.what = device.alias;
        map.push_back(std::move(stretch));
    }
    map.push_back(
        {plan.gic.distributor, fdt::kGicDistributorSize, "GICD", "interrupt distributor"});
    map.push_back({plan.gic.redistributors, fdt::kGicRedistributorSize * plan.cpus, "GICR",
                   "redistributors of " + std::to_string(plan.cpus) + " CPUs"});
    map.push_back({kInfoPage, 0x1000, "info", "the Resource Manager's page, read-only"});
}

std::vector<Stretch> used_ram(const Plan& plan)
{
    const auto& placement = plan.placement;
    std::vector<Stretch> used{
        {raw(placement.kernel.at), placement.kernel.size, "kernel",
         plan.kernel.format() + ", " + entry_text(placement)},
        {raw(placement.dtb.at), placement.dtb.size, "DTB",
         std::to_string(plan.dtb.size()) + " bytes, room for the Resource Manager's overlay"}};
    if (placement.initrd)
        used.push_back({raw(placement.initrd->at), placement.initrd->size, "initrd", ""});
    std::sort(used.begin(), used.end(),
              [](const Stretch& a, const Stretch& b) { return a.base < b.base; });
    return used;
}

/// RAM, with what is left between its parts.
void add_ram(std::vector<Stretch>& map, const Plan& plan)
{
    const std::string details = region_text(plan.regions.front());
    std::uint64_t next = raw(plan.ram().at);
    const auto add_free = [&](std::uint64_t end) {
        if (end > next)
            map.push_back({next, end - next, "RAM", details});
    };
    for (const auto& stretch : used_ram(plan)) {
        add_free(stretch.base);
        map.push_back(stretch);
        next = stretch.base + stretch.size;
    }
    add_free(raw(plan.ram().end()));
}

std::vector<Stretch> stretches(const Plan& plan)
{
    std::vector<Stretch> map;
    add_devices(map, plan);
    add_ram(map, plan);
    for (std::size_t i = 1; i < plan.regions.size(); i++) {
        const auto& region = plan.regions[i];
        map.push_back({raw(region.base), region.size,
                       plan.extra[i - 1].swiotlb ? "swiotlb" : "region", region_text(region)});
    }
    std::sort(map.begin(), map.end(),
              [](const Stretch& a, const Stretch& b) { return a.base < b.base; });
    return map;
}

/// "33 MiB" where it is whole, else "33.5 MiB".
std::string size_text(std::uint64_t size)
{
    static constexpr std::array units = {"B", "KiB", "MiB", "GiB"};
    unsigned unit = 0;
    while (unit + 1 < units.size() && size >> (10 * (unit + 1)) != 0)
        unit++;
    const std::uint64_t one = std::uint64_t{1} << (10 * unit);
    const std::uint64_t tenths = size % one * 10 / one;
    return std::to_string(size / one) + (size % one == 0 ? "" : "." + std::to_string(tenths)) +
           " " + units[unit];
}

std::string quoted(const std::string& text)
{
    std::string out = "\"";
    for (const char c : text) {
        std::array<char, 8> escape{};
        if (static_cast<unsigned char>(c) < 0x20)
            std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
        out += c == '"' || c == '\\' ? std::string("\\") + c
               : escape[0] != '\0'   ? std::string(escape.data())
                                     : std::string(1, c);
    }
    return out + "\"";
}

}  // namespace

std::string map_table(const Plan& plan)
{
    std::string out = "start         end           size        what      details\n";
    for (const auto& stretch : stretches(plan)) {
        std::array<char, 64> line{};
        std::snprintf(line.data(), line.size(), "%-12s  %-12s  %-10s  %-8s  ",
                      hex(stretch.base).c_str(), hex(stretch.base + stretch.size - 1).c_str(),
                      size_text(stretch.size).c_str(), stretch.what.c_str());
        std::string row = line.data() + stretch.details;
        row.erase(row.find_last_not_of(' ') + 1);
        out += row + "\n";
    }
    return out;
}

std::string map_json(const Plan& plan)
{
    std::string out = "{\n  \"map\": [\n";
    const auto all = stretches(plan);
    for (std::size_t i = 0; i < all.size(); i++) {
        const auto& stretch = all[i];
        out += "    {\"address\": " + quoted(hex(stretch.base)) +
               ", \"size\": " + std::to_string(stretch.size) +
               ", \"what\": " + quoted(stretch.what) + ", \"details\": " + quoted(stretch.details);
        if (stretch.spi)
            out += ", \"spi\": " + std::to_string(*stretch.spi) +
                   ", \"intid\": " + std::to_string(*stretch.spi + 32);
        out += i + 1 < all.size() ? "},\n" : "}\n";
    }
    return out + "  ]\n}\n";
}

}  // namespace gh::machine
