// SPDX-License-Identifier: BSD-3-Clause
#include "machine/profile_report.h"

#include "base/bits.h"
#include "base/formatted.h"
#include "emulator/cpu/decode.h"
#include "machine/profile_counters.h"
#include "memory/hex.h"

#include <algorithm>
#include <map>
#include <span>
#include <tuple>
#include <utility>

namespace gh::machine {
namespace {

using Count = unsigned long long;
using cpu::Spot;
using hyp::VcpuProfile;
using Vcpus = std::vector<std::unique_ptr<VcpuProfile>>;

constexpr std::size_t kMostSpots = 40;
constexpr std::size_t kMostRows = 25;

double percent(Count part, Count whole)
{
    return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// The same code on all vCPUs, most instructions first.
std::vector<Spot> hottest(const Vcpus& vcpus)
{
    std::map<std::tuple<std::uint64_t, unsigned, Spot::Tier>, Spot> merged;
    for (const auto& vcpu : vcpus)
        for (const Spot* const spot : vcpu->code.spots()) {
            Spot& sum = merged[{spot->va, spot->el, spot->tier}];
            const Count entries = sum.entries + spot->entries;
            const Count instructions = sum.instructions + spot->instructions;
            sum = *spot;
            sum.entries = entries;
            sum.instructions = instructions;
        }
    std::vector<Spot> all;
    all.reserve(merged.size());
    for (const auto& [key, spot] : merged)
        all.push_back(spot);
    std::stable_sort(all.begin(), all.end(),
                     [](const Spot& a, const Spot& b) { return a.instructions > b.instructions; });
    return all;
}

void print_spots(std::string& out, const std::vector<Spot>& spots, Count whole,
                 const GuestNames& names)
{
    out +=
        formatted("\nhottest code, all vCPUs; T0: a block, interpreted; T1: a unit, translated\n");
    out += formatted("%6s %14s %12s          address\n", "share", "instructions", "entries");
    for (const Spot& spot : std::span(spots).first(std::min(spots.size(), kMostSpots))) {
        const std::string address = hex(spot.va);
        const std::string place = names.place(spot.va, spot.el);
        out += formatted("%5.1f%% %14llu %12llu  %s EL%u  %s%s%.200s\n",
                         percent(spot.instructions, whole), Count{spot.instructions},
                         Count{spot.entries}, spot.tier == Spot::Tier::Translated ? "T1" : "T0",
                         unsigned{spot.el}, address.c_str(), place == address ? "" : "  ",
                         place == address ? "" : place.c_str());
    }
}

/// (count, name), highest first.
using Ranking = std::vector<std::pair<Count, std::string>>;

Ranking rank(const std::map<std::string, Count>& counts)
{
    Ranking ranking;
    for (const auto& [name, count] : counts)
        ranking.emplace_back(count, name);
    std::stable_sort(ranking.begin(), ranking.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    ranking.resize(std::min(ranking.size(), kMostRows));
    return ranking;
}

void print_functions(std::string& out, const std::vector<Spot>& spots, Count whole,
                     const GuestNames& names)
{
    std::map<std::string, Count> functions;
    for (const Spot& spot : spots)
        if (const auto name = names.function(spot.va, spot.el); !name.empty())
            functions[name] += spot.instructions;
    if (functions.empty())
        return;
    out += formatted("\nhottest functions of the kernel, by where units and blocks begin\n");
    for (const auto& [count, name] : rank(functions))
        out += formatted("%5.1f%% %14llu  %.200s\n", percent(count, whole), count, name.c_str());
}

void print_handlers(std::string& out, const Vcpus& vcpus)
{
    const auto rows = cpu::encodings();
    std::vector<std::pair<cpu::Profile::Calls, const char*>> sums;
    for (std::size_t i = 0; i <= rows.size(); ++i) {
        cpu::Profile::Calls sum;
        for (const auto& vcpu : vcpus) {
            sum.always += vcpu->code.calls()[i].always;
            sum.slow += vcpu->code.calls()[i].slow;
        }
        if (sum.always + sum.slow != 0)
            sums.emplace_back(sum, i < rows.size() ? rows[i].name : "unallocated");
    }
    if (sums.empty())
        return;
    std::stable_sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) {
        return a.first.always + a.first.slow > b.first.always + b.first.slow;
    });
    out += formatted(
        "\nhelpers: handlers that translated code called, by encoding\n"
        "%14s %14s\n",
        "no template", "slow path");
    for (const auto& [sum, name] : std::span(sums).first(std::min(sums.size(), kMostRows)))
        out += formatted("%14llu %14llu  %s\n", Count{sum.always}, Count{sum.slow}, name);
}

void print_devices(std::string& out, const Vcpus& vcpus)
{
    std::map<std::uint64_t, VcpuProfile::Device> sums;
    for (const auto& vcpu : vcpus)
        for (const auto& [page, device] : vcpu->devices) {
            auto& sum = sums[page];
            sum.reads += device.reads;
            sum.writes += device.writes;
            sum.gic = device.gic;
        }
    if (sums.empty())
        return;
    out += formatted("\ndevices, by page of guest physical addresses (see gh-vmm map)\n%14s %14s\n",
                     "reads", "writes");
    for (const auto& [page, sum] : sums)
        out += formatted("%14llu %14llu  %s%s\n", Count{sum.reads}, Count{sum.writes},
                         page == hyp::Tally<int>::kOthers ? "others" : hex(page).c_str(),
                         sum.gic ? ", a frame of the GIC" : "");
}

/// Functions of SMCCC, PSCI and TRNG that Linux calls (DEN0028, DEN0022, DEN0098).
std::string name_of_call(std::uint64_t key)
{
    static const std::map<std::uint64_t, const char*> kNames{
        {0x8000'0000, "SMCCC_VERSION"},      {0x8000'0001, "SMCCC_ARCH_FEATURES"},
        {0x8400'0000, "PSCI_VERSION"},       {0xc400'0001, "PSCI CPU_SUSPEND"},
        {0x8400'0002, "PSCI CPU_OFF"},       {0xc400'0003, "PSCI CPU_ON"},
        {0xc400'0004, "PSCI AFFINITY_INFO"}, {0x8400'0006, "PSCI MIGRATE_INFO_TYPE"},
        {0x8400'0008, "PSCI SYSTEM_OFF"},    {0x8400'0009, "PSCI SYSTEM_RESET"},
        {0x8400'000a, "PSCI_FEATURES"},      {0x8400'0050, "TRNG_VERSION"},
        {0x8400'0051, "TRNG_FEATURES"},      {0x8400'0052, "TRNG_GET_UUID"},
        {0xc400'0053, "TRNG_RND"},           {0x8600'ff01, "VENDOR_HYP_UID"}};
    if (key == hyp::Tally<int>::kOthers)
        return "others";
    if (key >> 32 != 0)
        return "immediate " + hex(key >> 32);
    const auto found = kNames.find(key);
    return hex(key) + (found != kNames.end() ? std::string(" ") + found->second : "");
}

void print_calls(std::string& out, const Vcpus& vcpus)
{
    std::map<std::string, Count> sums;
    for (const auto& vcpu : vcpus)
        for (const auto& [key, count] : vcpu->calls)
            sums[name_of_call(key)] += count;
    if (sums.empty())
        return;
    out += formatted("\nhypercalls, by function\n");
    for (const auto& [count, name] : rank(sums))
        out += formatted("%14llu  %s\n", count, name.c_str());
}

}  // namespace

std::string GuestNames::place(std::uint64_t va, unsigned el) const
{
    if (el != 0 && bit(va, 55))
        if (auto name = symbols.find(va - displacement))
            return *name;
    return hex(va);
}

std::string GuestNames::function(std::uint64_t va, unsigned el) const
{
    return el != 0 && bit(va, 55) ? symbols.function(va - displacement).value_or("") : "";
}

std::string profile_report(const Vcpus& vcpus, const GuestNames& names)
{
    const std::vector<Spot> spots = hottest(vcpus);
    Count whole = 0;
    for (const Spot& spot : spots)
        whole += spot.instructions;

    std::string out = "gh-vmm profile\n" + profile_counters(vcpus);
    print_spots(out, spots, whole, names);
    print_functions(out, spots, whole, names);
    print_handlers(out, vcpus);
    print_devices(out, vcpus);
    print_calls(out, vcpus);
    return out;
}

}  // namespace gh::machine
