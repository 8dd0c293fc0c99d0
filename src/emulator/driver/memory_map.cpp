// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/memory_map.h"

#include "base/bits.h"
#include "base/log.h"

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

/// As the kernel compares, wrapped ends included.
bool Binding::meets(Gpa other, std::uint64_t other_size) const noexcept
{
    return raw(at) <= raw(other) + (other_size - 1) && raw(other) <= raw(last());
}

bool Binding::read(const Client& client, std::uint64_t from, std::span<std::byte> to) const noexcept
{
    if (!view)
        return memory ? memory->read(offset + from, to) : client.read(address + from, to);
    const auto pieces = view->pieces();
    const auto piece = std::find_if(pieces.begin(), pieces.end(), [&](const Piece& one) {
        return from >= one.offset && from - one.offset <= one.host.size() &&
               to.size() <= one.host.size() - (from - one.offset);
    });
    if (piece == pieces.end())
        return false;
    std::ranges::copy(piece->host.subspan(from - piece->offset, to.size()), to.begin());
    return true;
}

int Binding::give(Client& client)
{
    if (view)
        return 0;
    if (memory)
        return memory->give({offset, size}, lent, client, view);
    const ClientRange range{address, size};
    const int error = lent ? client.lend(range, view) : client.share(range, view);
    if (error == EINVAL)
        log(LogLevel::Warn,
            "the memory behind guest address %#llx is given to a guest already: memory that is "
            "lent belongs to one VM and one region alone",
            static_cast<unsigned long long>(raw(at)));
    return error;
}

MemoryMap::~MemoryMap()
{
    for (const Binding& binding : bindings_)
        if (binding.memory)
            binding.memory->unbind({binding.offset, binding.size});
    client_.unlock(locked_);
}

int MemoryMap::add(const gh_userspace_memory_region& region, bool lend)
{
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
    added.address = region.userspace_addr;
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
    if (personality_.pinning == Pinning::None)
        return 0;
    const bool write =
        personality_.pinning == Pinning::ForWriting || (region.flags & GH_MEM_ALLOW_WRITE) != 0;
    if (personality_.memlock && !client_.lock(region.memory_size))
        return ENOMEM;
    if (!client_.pinnable({region.userspace_addr, region.memory_size}, write)) {
        if (personality_.memlock)
            client_.unlock(region.memory_size);
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
    if (found->view)
        kept_.push_back(std::move(*found));
    bindings_.erase(found);
    return 0;
}

int MemoryMap::bind(Binding binding)
{
    if (!binding.memory->bind({binding.offset, binding.size}))
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
    if (found->view)
        return EBUSY;
    found->memory->shrink({found->offset, found->size}, {range.offset, range.size});
    if (head && tail) {
        bindings_.erase(found);
        return 0;
    }
    found->size -= range.size;
    if (head) {
        found->at = found->at + range.size;
        found->offset += range.size;
    }
    return 0;
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

int MemoryMap::give()
{
    for (Binding& binding : bindings_)
        if (const int error = binding.give(client_))
            return error;
    return 0;
}

void MemoryMap::take_back() noexcept
{
    for (Binding& binding : bindings_)
        binding.view.reset();
    kept_.clear();
}

}  // namespace gh::driver
