// SPDX-License-Identifier: BSD-3-Clause
#include "config/completion.h"

#include "base/bits.h"
#include "config/files.h"
#include "config/keys.h"
#include "config/layout.h"
#include "config/network.h"

#include <algorithm>
#include <filesystem>

namespace gh::config {
namespace {

/// What the guest calls a folder that has no tag: the last part of its path.
std::string derived_tag(const Folder& folder)
{
    const std::filesystem::path path{folder.path};
    const auto name = path.has_filename() ? path.filename() : path.parent_path().filename();
    return name.empty() ? "root" : name.string();
}

/// The first label from 0x100 on that no region claims.
std::uint32_t free_label(const std::vector<Region>& regions)
{
    std::uint32_t label = 0x100;
    const auto is_taken = [&label](const Region& region) { return region.label == label; };
    while (std::any_of(regions.begin(), regions.end(), is_taken))
        ++label;
    return label;
}

}  // namespace

void complete(Vm& vm, const Source& source)
{
    if (vm.name.empty())
        vm.name = std::filesystem::path(source.file).stem().string().substr(0, 79);
    for (std::size_t i = 0; i < vm.net.size(); ++i)
        complete_card(vm.net[i], vm.name, i);
    for (Folder& folder : vm.folders)
        if (folder.tag.empty() && !folder.path.empty())
            folder.tag = derived_tag(folder);
    if (!vm.rng)
        vm.rng = devices_reach(vm.memory) && vm.hypervisor.engine != Engine::Lockstep;
    for (Region& region : vm.memory.regions) {
        if (region.label == 0)
            region.label = free_label(vm.memory.regions);
        const auto file = region.file ? file_size(*region.file) : std::nullopt;
        if (region.size == 0 && file && *file > region.offset)
            region.size = align_up(*file - region.offset, kPage);
    }
}

}  // namespace gh::config
