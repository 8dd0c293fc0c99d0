// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/memory_map.h"

#include "base/bits.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <unistd.h>

namespace gh::driver {

using namespace gunyah;

namespace {

constexpr std::uint32_t kRights = GH_MEM_ALLOW_READ | GH_MEM_ALLOW_WRITE | GH_MEM_ALLOW_EXEC;

bool wraps(const gh_userspace_memory_region& region, WrappedRange how)
{
    const std::uint64_t last = region.guest_phys_addr + (region.memory_size - 1);
    // The overflow test of v11 takes the end for what must not wrap, later trees the last byte.
    return last < region.guest_phys_addr || (how == WrappedRange::Overflow && last + 1 == 0);
}

}  // namespace

std::uint64_t page_size() noexcept
{
    static const auto size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

MemoryMap::~MemoryMap()
{
    for (const Binding& binding : bindings_)
        if (binding.memory)
            binding.memory->unbind({binding.offset, binding.size});
    client_->unlock(locked_);
}

int MemoryMap::add(const gh_userspace_memory_region& region, bool lend)
{
    const std::scoped_lock lock(mutex_);
    const std::uint32_t known = kRights | (personality_.lent_flag ? GH_MEM_LENT : 0);
    if ((region.flags & ~known) != 0)
        return EINVAL;
    if (personality_.lent_flag && region.memory_size == 0)
        return remove(region.label);
    if (region.memory_size == 0 || !is_aligned(region.memory_size, page_size()) ||
        !is_aligned(region.userspace_addr, page_size()) ||
        !is_aligned(region.guest_phys_addr, page_size()))
        return EINVAL;
    if (const int error = check_place(region))
        return error;
    if (const int error = pin(region))
        return error;
    Binding added;
    added.at = Gpa{region.guest_phys_addr};
    added.size = region.memory_size;
    added.label = region.label;
    added.rights = region.flags & kRights;
    added.lent = lend || (region.flags & GH_MEM_LENT) != 0;
    added.counted = personality_.pinning == Pinning::OnFault && client_->locks_on_demand();
    added.address = region.userspace_addr;
    if (hypervisor_ != nullptr && personality_.demand_paged)
        if (const int error = added.prepare(*client_))
            return error;
    insert(std::move(added));
    return 0;
}

int MemoryMap::check_place(const gh_userspace_memory_region& region) const
{
    if (personality_.wrapped != WrappedRange::Accepted && wraps(region, personality_.wrapped))
        return personality_.wrapped == WrappedRange::Overflow ? EOVERFLOW : EINVAL;
    const auto same_label = [&](const Binding& binding) { return binding.label == region.label; };
    if (personality_.unique_labels && std::any_of(bindings_.begin(), bindings_.end(), same_label))
        return EEXIST;
    return find_any(Gpa{region.guest_phys_addr}, region.memory_size) ? EEXIST : 0;
}

int MemoryMap::pin(const gh_userspace_memory_region& region)
{
    if (personality_.pinning == Pinning::None || personality_.pinning == Pinning::OnFault)
        return 0;
    const bool write =
        personality_.pinning == Pinning::ForWriting || (region.flags & GH_MEM_ALLOW_WRITE) != 0;
    if (personality_.memlock && !client_->lock(region.memory_size))
        return ENOMEM;
    if (!client_->pinnable({region.userspace_addr, region.memory_size}, write)) {
        if (personality_.memlock)
            client_->unlock(region.memory_size);
        return EFAULT;
    }
    if (personality_.memlock)
        locked_ += region.memory_size;
    return 0;
}

void MemoryMap::insert(Binding binding)
{
    const auto next = std::lower_bound(bindings_.begin(), bindings_.end(), binding.at,
                                       [](const Binding& one, Gpa at) { return one.at < at; });
    bindings_.insert(next, std::move(binding));
}

/// Also of what the guest has: the Resource Manager refuses to reclaim that, which nobody is told.
int MemoryMap::remove(std::uint32_t label)
{
    const auto found = std::find_if(bindings_.begin(), bindings_.end(),
                                    [&](const Binding& binding) { return binding.label == label; });
    if (found == bindings_.end())
        return 0;
    if (!found->given.empty())
        kept_.push_back(std::move(*found));
    bindings_.erase(found);
    return 0;
}

int MemoryMap::bind(Binding binding)
{
    const std::scoped_lock lock(mutex_);
    if (!binding.memory->bind({binding.offset, binding.size}, weak_from_this()))
        return EEXIST;
    if (find_any(binding.at, binding.size)) {
        binding.memory->unbind({binding.offset, binding.size});
        return EEXIST;
    }
    insert(std::move(binding));
    return 0;
}

int MemoryMap::unbind(const gunyah_map_mem_args& range)
{
    const std::scoped_lock lock(mutex_);
    const std::uint32_t flags = range.flags & ~GUNYAH_MEM_UNMAP;
    const auto found = std::find_if(bindings_.begin(), bindings_.end(), [&](const Binding& one) {
        const std::uint64_t from = range.guest_addr - raw(one.at);
        return one.map_flags == flags && from < one.size && range.size <= one.size - from &&
               one.offset + from == range.offset;
    });
    if (found == bindings_.end())
        return ENOENT;
    const bool head = range.guest_addr == raw(found->at);
    const bool tail = range.guest_addr + (range.size - 1) == raw(found->last());
    if (!head && !tail)
        return EINVAL;
    const std::uint64_t from = range.guest_addr - raw(found->at);
    if (const int error = take(*found, from, from + (range.size - 1)))
        return error;
    found->memory->shrink({found->offset, found->size}, {range.offset, range.size});
    if (head && tail) {
        bindings_.erase(found);
        return 0;
    }
    if (head)
        found->cut_head(range.size);
    else
        found->size -= range.size;
    return 0;
}

int MemoryMap::take(Binding& binding, std::uint64_t from, std::uint64_t last)
{
    return binding.take(*client_, from, last - from + 1, hypervisor_);
}

/// Where nothing is given there is nothing to do, also outside all bindings.
int MemoryMap::reclaim(Gpa at, std::uint64_t size)
{
    const std::scoped_lock lock(mutex_);
    int result = 0;
    for (Binding& binding : bindings_) {
        if (size == 0 || !binding.meets(at, size))
            continue;
        const std::uint64_t from = raw(at) > raw(binding.at) ? at - binding.at : 0;
        const std::uint64_t last =
            std::min(binding.size - 1, (raw(at) + (size - 1)) - raw(binding.at));
        if (const int error = take(binding, from, last))
            result = error;
    }
    return result;
}

int MemoryMap::take_back(const GuestMemory& memory, FileRange range)
{
    const std::scoped_lock lock(mutex_);
    int result = 0;
    for (Binding& binding : bindings_) {
        const std::uint64_t last = range.offset + (range.size - 1);
        if (binding.memory.get() != &memory || binding.offset > last ||
            range.offset > binding.offset + (binding.size - 1))
            continue;
        const std::uint64_t from = std::max(range.offset, binding.offset) - binding.offset;
        if (const int error =
                take(binding, from, std::min(binding.size - 1, last - binding.offset)))
            result = error;
    }
    return result;
}

std::optional<std::size_t> MemoryMap::find(Gpa at) const noexcept
{
    return find_any(at, 1);
}

std::optional<std::size_t> MemoryMap::find_any(Gpa at, std::uint64_t size) const noexcept
{
    for (std::size_t i = 0; i < bindings_.size(); ++i)
        if (bindings_[i].meets(at, size))
            return i;
    return std::nullopt;
}

int MemoryMap::give_all()
{
    for (Binding& binding : bindings_)
        if (const int error = binding.give(*client_, 0, binding.size, hypervisor_))
            return error;
    return 0;
}

int MemoryMap::give_at_start(std::size_t image, std::uint64_t from, std::uint64_t bytes)
{
    for (Binding& binding : bindings_)
        if (const int error = binding.prepare(*client_))
            return error;
    return bindings_[image].give(*client_, from, bytes, hypervisor_);
}

int MemoryMap::page_in(Gpa at, hyp::FaultAccess access)
{
    const std::scoped_lock lock(mutex_);
    const auto found = find(at);
    if (!found || hypervisor_ == nullptr)
        return ENOENT;
    Binding& binding = bindings_[*found];
    return binding.page_in(*client_, at - binding.at, may_bring_neighbours(binding), access,
                           *hypervisor_);
}

/// Where the client may not lock all that is still to come, every page counts.
bool MemoryMap::may_bring_neighbours(const Binding& binding) const
{
    if (!binding.counted)
        return true;
    std::uint64_t missing = 0;
    for (const Binding& one : bindings_)
        missing += one.size - one.given_bytes();
    return client_->can_lock(missing);
}

void MemoryMap::give_back_all() noexcept
{
    const std::scoped_lock lock(mutex_);
    for (Binding& binding : bindings_)
        binding.give_back_all(*client_);
    kept_.clear();
}

}  // namespace gh::driver
