// SPDX-License-Identifier: BSD-3-Clause
#include "machine/profile_report.h"

#include "base/bits.h"
#include "emulator/cpu/decode.h"
#include "memory/hex.h"

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
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

[[gnu::format(printf, 2, 3)]] void print(std::string& out, const char* format, ...)
{
    std::array<char, 512> line{};
    std::va_list arguments;
    va_start(arguments, format);
    (void)std::vsnprintf(line.data(), line.size(), format, arguments);
    va_end(arguments);
    out += line.data();
}

double percent(Count part, Count whole)
{
    return whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

/// One column of the first tables: a vCPU and what is summed up over its code.
struct Column {
    const VcpuProfile& vcpu;
    struct Tier {
        Count entries = 0;
        Count instructions = 0;
    };
    std::array<Tier, 2> tiers{};

    explicit Column(const VcpuProfile& profile) : vcpu(profile)
    {
        for (const Spot* const spot : profile.code.spots()) {
            Tier& tier = tiers.at(static_cast<std::size_t>(spot->tier));
            tier.entries += spot->entries;
            tier.instructions += spot->instructions;
        }
    }
};

struct Row {
    const char* label;
    Count (*value)(const Column& column);
};

Count milliseconds(std::uint64_t nanoseconds)
{
    return nanoseconds / 1'000'000;
}

constexpr Row kTimes[] = {
    {"on the clock", [](const Column& c) { return milliseconds(c.vcpu.total_time); }},
    {"  in the guest", [](const Column& c) { return milliseconds(c.vcpu.guest_time); }},
    {"  asleep", [](const Column& c) { return milliseconds(c.vcpu.wait_time); }},
    {"  in devices and the driver",
     [](const Column& c) {
         const std::uint64_t known = c.vcpu.guest_time + c.vcpu.wait_time;
         return milliseconds(c.vcpu.total_time - std::min(c.vcpu.total_time, known));
     }},
    {"host CPU time of the thread", [](const Column& c) { return milliseconds(c.vcpu.cpu_time); }},
    {"  translating to host code",
     [](const Column& c) { return milliseconds(c.vcpu.code.translation.nanoseconds); }},
};

constexpr Row kCode[] = {
    {"instructions, interpreted", [](const Column& c) { return c.tiers[0].instructions; }},
    {"instructions, translated", [](const Column& c) { return c.tiers[1].instructions; }},
    {"entries of blocks, interpreted", [](const Column& c) { return c.tiers[0].entries; }},
    {"entries of units, translated", [](const Column& c) { return c.tiers[1].entries; }},
    {"blocks decoded", [](const Column& c) { return Count{c.vcpu.counters.blocks}; }},
    {"  instructions in them", [](const Column& c) { return Count{c.vcpu.counters.instructions}; }},
    {"units translated", [](const Column& c) { return Count{c.vcpu.code.translation.units}; }},
    {"  instructions in them",
     [](const Column& c) { return Count{c.vcpu.code.translation.instructions}; }},
    {"  bytes of host code", [](const Column& c) { return Count{c.vcpu.code.translation.bytes}; }},
    {"all blocks forgotten", [](const Column& c) { return Count{c.vcpu.block_flushes}; }},
    {"  for want of room for host code",
     [](const Column& c) { return Count{c.vcpu.code.translation.full}; }},
};

constexpr Row kTranslations[] = {
    {"table walks, EL1 data", [](const Column& c) { return Count{c.vcpu.counters.walks[1].data}; }},
    {"table walks, EL1 code",
     [](const Column& c) { return Count{c.vcpu.counters.walks[1].fetch}; }},
    {"table walks, EL0 data", [](const Column& c) { return Count{c.vcpu.counters.walks[0].data}; }},
    {"table walks, EL0 code",
     [](const Column& c) { return Count{c.vcpu.counters.walks[0].fetch}; }},
    {"TLBI done, other vCPUs' too",
     [](const Column& c) { return Count{c.vcpu.counters.tlb_operations}; }},
    {"both TLBs emptied", [](const Column& c) { return Count{c.vcpu.counters.tlb_flushes}; }},
    {"IC IVAU of pages with code",
     [](const Column& c) { return Count{c.vcpu.counters.code_lines}; }},
    {"blocks that changes of code ended",
     [](const Column& c) { return Count{c.vcpu.counters.dropped_blocks}; }},
};

Count exceptions(const Column& c, std::initializer_list<unsigned> classes)
{
    Count sum = 0;
    for (const unsigned ec : classes)
        sum += c.vcpu.counters.exceptions.at(ec);
    return sum;
}

Count device_accesses(const Column& c, bool gic)
{
    Count sum = 0;
    for (const auto& [page, device] : c.vcpu.devices)
        if (device.gic == gic)
            sum += device.reads + device.writes;
    return sum;
}

// EC as DDI 0487 D17.2.37 numbers them.
constexpr Row kExits[] = {
    {"interrupts taken", [](const Column& c) { return Count{c.vcpu.counters.interrupts}; }},
    {"system calls", [](const Column& c) { return exceptions(c, {0x15}); }},
    {"instruction aborts",
     [](const Column& c) {
         return exceptions(c, {0x20, 0x21});
     }},
    {"data aborts",
     [](const Column& c) {
         return exceptions(c, {0x24, 0x25});
     }},
    {"first use of FP and SIMD", [](const Column& c) { return exceptions(c, {0x07}); }},
    {"UNDEFINED and trapped instructions",
     [](const Column& c) {
         return exceptions(c, {0x00, 0x18});
     }},
    {"other exceptions",
     [](const Column& c) {
         Count all = 0;
         for (const auto count : c.vcpu.counters.exceptions)
             all += count;
         return all - exceptions(c, {0x00, 0x07, 0x15, 0x18, 0x20, 0x21, 0x24, 0x25});
     }},
    {"exits: asleep (WFI, CPU_SUSPEND)", [](const Column& c) { return Count{c.vcpu.waits}; }},
    {"exits: access to a device", [](const Column& c) { return device_accesses(c, false); }},
    {"exits: called by the host", [](const Column& c) { return Count{c.vcpu.kicks}; }},
    {"accesses to frames of the GIC", [](const Column& c) { return device_accesses(c, true); }},
    {"accesses to registers of the GIC",
     [](const Column& c) { return Count{c.vcpu.gic_registers}; }},
    {"accesses to timer registers", [](const Column& c) { return Count{c.vcpu.timer_registers}; }},
    {"hypercalls (HVC, SMC)",
     [](const Column& c) {
         Count sum = 0;
         for (const auto& [key, count] : c.vcpu.calls)
             sum += count;
         return sum;
     }},
};

void print_table(std::string& out, const char* title, std::span<const Row> rows,
                 const std::vector<Column>& columns)
{
    print(out, "\n%-36s", title);
    for (std::size_t n = 0; n < columns.size(); ++n)
        print(out, " %14s", ("vcpu-" + std::to_string(n)).c_str());
    print(out, " %14s\n", "all");
    for (const Row& row : rows) {
        Count sum = 0;
        print(out, "%-36s", row.label);
        for (const Column& column : columns) {
            const Count value = row.value(column);
            sum += value;
            print(out, " %14llu", value);
        }
        print(out, " %14llu\n", sum);
    }
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
    print(out, "\nhottest code, all vCPUs; T0: a block, interpreted; T1: a unit, translated\n");
    print(out, "%6s %14s %12s          address\n", "share", "instructions", "entries");
    for (const Spot& spot : std::span(spots).first(std::min(spots.size(), kMostSpots))) {
        const std::string address = hex(spot.va);
        const std::string place = names.place(spot.va, spot.el);
        print(out, "%5.1f%% %14llu %12llu  %s EL%u  %s%s%.200s\n",
              percent(spot.instructions, whole), Count{spot.instructions}, Count{spot.entries},
              spot.tier == Spot::Tier::Translated ? "T1" : "T0", unsigned{spot.el}, address.c_str(),
              place == address ? "" : "  ", place == address ? "" : place.c_str());
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
    print(out, "\nhottest functions of the kernel, by where units and blocks begin\n");
    for (const auto& [count, name] : rank(functions))
        print(out, "%5.1f%% %14llu  %.200s\n", percent(count, whole), count, name.c_str());
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
    print(out,
          "\nhelpers: handlers that translated code called, by encoding\n"
          "%14s %14s\n",
          "no template", "slow path");
    for (const auto& [sum, name] : std::span(sums).first(std::min(sums.size(), kMostRows)))
        print(out, "%14llu %14llu  %s\n", Count{sum.always}, Count{sum.slow}, name);
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
    print(out, "\ndevices, by page of guest physical addresses (see gh-vmm map)\n%14s %14s\n",
          "reads", "writes");
    for (const auto& [page, sum] : sums)
        print(out, "%14llu %14llu  %s%s\n", Count{sum.reads}, Count{sum.writes},
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
    print(out, "\nhypercalls, by function\n");
    for (const auto& [count, name] : rank(sums))
        print(out, "%14llu  %s\n", count, name.c_str());
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
    std::vector<Column> columns;
    columns.reserve(vcpus.size());
    for (const auto& vcpu : vcpus)
        columns.emplace_back(*vcpu);
    const std::vector<Spot> spots = hottest(vcpus);
    Count whole = 0;
    for (const Spot& spot : spots)
        whole += spot.instructions;

    std::string out = "gh-vmm profile\n";
    print_table(out, "time, ms", kTimes, columns);
    print_table(out, "guest code", kCode, columns);
    print_table(out, "address translation, changes of code", kTranslations, columns);
    print_table(out, "exceptions and exits", kExits, columns);
    print_spots(out, spots, whole, names);
    print_functions(out, spots, whole, names);
    print_handlers(out, vcpus);
    print_devices(out, vcpus);
    print_calls(out, vcpus);
    return out;
}

}  // namespace gh::machine
