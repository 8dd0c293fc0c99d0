// SPDX-License-Identifier: BSD-3-Clause
// The requests that give memory to a VM and take it back (gunyah-uapi.md 2.2 to 2.4).
#include "base/bits.h"
#include "base/log.h"
#include "emulator/driver/vm.h"

#include <cerrno>
#include <utility>

namespace gh::driver {

using namespace gunyah;

int Vm::set_user_memory(std::uintptr_t argument, bool lend)
{
    gh_userspace_memory_region region{};
    if (personality_.memory_owner && !client_->is_caller())
        return EPERM;
    if (!read_struct(*client_, argument, region))
        return EFAULT;
    const int error = memory_->add(region, lend);
    if (error == 0)
        log_late_memory(Gpa{region.guest_phys_addr});
    return error;
}

void Vm::log_late_memory(Gpa at) const
{
    if (status_ != initial_state() && !personality_.demand_paged)
        log(LogLevel::Warn,
            "memory at guest address %#llx was added after GH_VM_START: kernels of this generation "
            "never give it to the guest; add memory before START",
            static_cast<unsigned long long>(raw(at)));
}

namespace {

constexpr std::uint32_t kAccess = 7;
constexpr std::uint32_t kRights =
    GUNYAH_MEM_ALLOW_READ | GUNYAH_MEM_ALLOW_WRITE | GUNYAH_MEM_ALLOW_EXEC;
constexpr unsigned kRightsShift = 4;  // to GH_MEM_ALLOW_*
constexpr std::uint64_t kHugePage = 2u << 20;

bool are_sound(const gunyah_map_mem_args& map)
{
    return (map.flags & ~(kAccess | kRights | GUNYAH_MEM_UNMAP)) == 0 &&
           (map.flags & kRights) != 0 && (map.flags & kAccess) <= GUNYAH_MEM_FORCE_SHARE &&
           map.size != 0 && is_aligned(map.guest_addr | map.offset | map.size, page_size());
}

}  // namespace

/// The default access is to lend: the Resource Manager wants isolated VMs.
int Vm::map_memory(std::uintptr_t argument)
{
    gunyah_map_mem_args map{};
    if (!read_struct(*client_, argument, map))
        return EFAULT;
    auto memory = memories_->find(*client_, static_cast<int>(map.guest_mem_fd));
    if (!memory || !are_sound(map))
        return EINVAL;
    if (memory->huge_pages() && !is_aligned(map.guest_addr | map.offset | map.size, kHugePage))
        return EINVAL;
    if ((map.flags & GUNYAH_MEM_UNMAP) != 0)
        return memory_->unbind(map);
    Binding binding;
    binding.at = Gpa{map.guest_addr};
    binding.size = map.size;
    binding.rights = (map.flags & kRights) >> kRightsShift;
    binding.lent = (map.flags & kAccess) != GUNYAH_MEM_FORCE_SHARE;
    binding.memory = std::move(memory);
    binding.offset = map.offset;
    binding.map_flags = map.flags;
    return memory_->bind(std::move(binding));
}

int Vm::reclaim_region(std::uintptr_t argument)
{
    gh_vm_dtb_config range{};
    if (!client_->is_caller())
        return EPERM;
    if (!read_struct(*client_, argument, range))
        return EFAULT;
    if (!is_aligned(range.size, page_size()) || !is_aligned(range.guest_phys_addr, page_size()))
        return EINVAL;
    return memory_->reclaim(Gpa{range.guest_phys_addr}, range.size);
}

int Vm::map_cma(std::uintptr_t argument)
{
    struct {
        std::uint32_t label;
        std::uint32_t padding;
        std::uint64_t guest_addr;
        std::uint32_t flags;
        std::uint32_t guest_mem_fd;
        std::uint64_t offset;
        std::uint64_t size;
    } map{};
    static_assert(sizeof map == 40);
    if (!client_->is_caller())
        return EPERM;
    if (!read_struct(*client_, argument, map))
        return EFAULT;
    if (map.size == 0 || !is_aligned(map.size | map.guest_addr | map.offset, page_size()))
        return EINVAL;
    FileId id;  // there is no CMA device here, so no descriptor can be one
    return client_->identify(static_cast<int>(map.guest_mem_fd), id) ? EINVAL : EBADF;
}

}  // namespace gh::driver
