// SPDX-License-Identifier: BSD-3-Clause
#include "base/bits.h"
#include "config/files.h"
#include "config/keys.h"
#include "config/layout.h"
#include "config/quantity.h"
#include "config/reader.h"
#include "config/rule_group.h"

#include <algorithm>
#include <vector>

namespace gh::config {
namespace {

/// A range of guest addresses and who asked for it.
struct Span {
    std::uint64_t base;
    std::uint64_t size;
    std::string path;
    std::string name;
};

std::string range_text(const Span& span)
{
    return format_address(span.base) + "-" + format_address(span.base + span.size - 1);
}

std::string region_path(std::size_t index)
{
    return "memory.regions." + std::to_string(index);
}

class MemoryRules final : RuleGroup {
public:
    using RuleGroup::RuleGroup;

    void check()
    {
        check_layout();
        check_hugepages();
        check_regions();
        check_kernel();
    }

private:
    [[nodiscard]] std::vector<Span> spans() const
    {
        std::vector<Span> spans;
        const Memory& memory = vm_.memory;
        if (is_sound("memory.size") && is_sound("memory.base"))
            spans.push_back({memory.base, memory.size, "memory", "RAM"});
        if (!spans.empty() && memory.swiotlb != 0 && is_sound("memory.swiotlb"))
            spans.push_back({swiotlb_base(memory), memory.swiotlb, "memory.swiotlb",
                             "the bounce buffer (memory.swiotlb) behind RAM"});
        for (std::size_t i = 0; i < memory.regions.size(); ++i)
            if (memory.regions[i].size != 0 && is_sound(region_path(i) + ".address") &&
                is_sound(region_path(i) + ".size"))
                spans.push_back({memory.regions[i].address, memory.regions[i].size, region_path(i),
                                 region_path(i)});
        return spans;
    }

    void check_layout()
    {
        const auto all = spans();
        for (auto span = all.begin(); span != all.end(); ++span) {
            if (span->base + span->size > kAddressEnd)
                complain(span->path, "got " + range_text(*span) + "; expected an end below " +
                                         format_address(kAddressEnd) +
                                         " (Gunyah's guest addresses have 36 bits)");
            for (auto other = all.begin(); other != span; ++other)
                if (span->base < other->base + other->size && other->base < span->base + span->size)
                    complain(span->path, "got " + range_text(*span) +
                                             "; expected a range that does not overlap " +
                                             other->name + " at " + range_text(*other));
        }
    }

    void check_hugepages()
    {
        if (vm_.memory.hugepages && !is_aligned(vm_.memory.size, kBlock) && is_sound("memory.size"))
            complain("memory.size", "got " + format_size(vm_.memory.size) +
                                        "; expected a multiple of 2MiB, as memory.hugepages is true"
                                        "; did you mean \"" +
                                        format_size(align_up(vm_.memory.size, kBlock)) + "\"?");
    }

    void check_regions()
    {
        for (std::size_t i = 0; i < vm_.memory.regions.size(); ++i) {
            const Region& region = vm_.memory.regions[i];
            const std::string path = region_path(i);
            check_label(i);
            if (is_sound(path + ".size") && is_sound(path + ".offset") && is_sound(path + ".file"))
                region.file ? check_file_region(region, path)
                            : check_anonymous_region(region, path);
        }
    }

    void check_label(std::size_t index)
    {
        const auto& all = vm_.memory.regions;
        const std::uint32_t label = all[index].label;
        const auto same = std::find_if(all.begin(), all.end(),
                                       [label](const Region& r) { return r.label == label; });
        const auto first = static_cast<std::size_t>(same - all.begin());
        if (first != index && is_sound(region_path(index) + ".label"))
            complain(region_path(index) + ".label", "got " + std::to_string(label) +
                                                        "; expected a number of its own (" +
                                                        region_path(first) + " has this one)");
    }

    void check_file_region(const Region& region, const std::string& path)
    {
        const auto file = file_size(*region.file);
        if (source_.files != Files::Check || !file)
            return;
        const std::uint64_t held = align_up(*file, kPage);
        if (region.offset >= held)
            complain(path + ".offset", "got " + format_size(region.offset) +
                                           "; expected less than the " + std::to_string(*file) +
                                           " bytes of " + in_quotes(*region.file));
        else if (region.size > held - region.offset)
            complain(path + ".size", "got " + format_size(region.size) + "; expected at most the " +
                                         format_size(held - region.offset) + " that " +
                                         in_quotes(*region.file) + " holds there");
    }

    void check_anonymous_region(const Region& region, const std::string& path)
    {
        if (region.size == 0)
            complain(path + ".size", "got nothing; expected a size, or a file that has one");
        if (region.offset != 0)
            complain(path + ".offset", "got " + format_size(region.offset) +
                                           "; expected no offset in a region without file");
        if (region.copy_on_write)
            complain(path + ".copy_on_write", "got true; expected false in a region without file");
    }

    void check_kernel()
    {
        const auto& address = vm_.kernel.address;
        const Memory& memory = vm_.memory;
        if (address && is_sound("memory") && is_sound("kernel.address") &&
            (*address < memory.base || *address - memory.base >= memory.size))
            complain("kernel.address", "got " + format_address(*address) +
                                           "; expected an address within RAM at " +
                                           range_text({memory.base, memory.size, {}, {}}));
    }
};

}  // namespace

void check_memory_rules(const Inspection& inspection)
{
    MemoryRules{inspection}.check();
}

}  // namespace gh::config
