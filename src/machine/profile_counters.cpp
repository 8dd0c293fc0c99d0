// SPDX-License-Identifier: BSD-3-Clause
#include "machine/profile_counters.h"

#include "base/formatted.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <span>

namespace gh::machine {
namespace {

using Count = unsigned long long;
using cpu::Spot;
using hyp::VcpuProfile;

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
    out += formatted("\n%-36s", title);
    for (std::size_t n = 0; n < columns.size(); ++n)
        out += formatted(" %14s", ("vcpu-" + std::to_string(n)).c_str());
    out += formatted(" %14s\n", "all");
    for (const Row& row : rows) {
        Count sum = 0;
        out += formatted("%-36s", row.label);
        for (const Column& column : columns) {
            const Count value = row.value(column);
            sum += value;
            out += formatted(" %14llu", value);
        }
        out += formatted(" %14llu\n", sum);
    }
}

}  // namespace

std::string profile_counters(const std::vector<std::unique_ptr<VcpuProfile>>& vcpus)
{
    std::vector<Column> columns;
    columns.reserve(vcpus.size());
    for (const auto& vcpu : vcpus)
        columns.emplace_back(*vcpu);
    std::string out;
    print_table(out, "time, ms", kTimes, columns);
    print_table(out, "guest code", kCode, columns);
    print_table(out, "address translation, changes of code", kTranslations, columns);
    print_table(out, "exceptions and exits", kExits, columns);
    return out;
}

}  // namespace gh::machine
