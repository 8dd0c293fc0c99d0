// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/memory_map.h"

#include "base/bits.h"
#include "base/log.h"

#include <algorithm>
#include <cerrno>

#include <unistd.h>

namespace gh::driver {

std::uint64_t page_size() noexcept
{
    static const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

int MemoryMap::add(const gunyah::gh_userspace_memory_region& region, bool lent)
{
    constexpr std::uint32_t kFlags =
        gunyah::GH_MEM_ALLOW_READ | gunyah::GH_MEM_ALLOW_WRITE | gunyah::GH_MEM_ALLOW_EXEC;
    if ((region.flags & ~kFlags) != 0)
        return EINVAL;
    if (region.memory_size == 0 || !is_aligned(region.memory_size, page_size()) ||
        !is_aligned(region.userspace_addr, page_size()) ||
        !is_aligned(region.guest_phys_addr, page_size()))
        return EINVAL;
    Binding added{region, lent, nullptr};
    if (raw(added.last()) < region.guest_phys_addr)
        return EINVAL;
    const auto next = std::lower_bound(
        bindings_.begin(), bindings_.end(), region.guest_phys_addr,
        [](const Binding& binding, std::uint64_t at) { return raw(binding.last()) < at; });
    if (next != bindings_.end() && next->region.guest_phys_addr <= raw(added.last()))
        return EEXIST;
    bindings_.insert(next, std::move(added));
    return 0;
}

std::optional<std::size_t> MemoryMap::find(Gpa at) const
{
    for (std::size_t i = 0; i < bindings_.size(); ++i)
        if (raw(at) >= bindings_[i].region.guest_phys_addr && at <= bindings_[i].last())
            return i;
    return std::nullopt;
}

int MemoryMap::give(Client& client)
{
    for (Binding& binding : bindings_) {
        if (binding.view)
            continue;
        const auto& region = binding.region;
        const ClientRange range{region.userspace_addr, region.memory_size};
        const int error =
            binding.lent ? client.lend(range, binding.view) : client.share(range, binding.view);
        if (error == EINVAL)
            log(LogLevel::Warn,
                "the memory behind guest address %#llx is given to a guest already: memory that is "
                "lent belongs to one VM and one region alone",
                static_cast<unsigned long long>(region.guest_phys_addr));
        if (error != 0)
            return error;
    }
    return 0;
}

void MemoryMap::take_back() noexcept
{
    for (Binding& binding : bindings_)
        binding.view.reset();
}

}  // namespace gh::driver
