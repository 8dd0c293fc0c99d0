// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/decode.h"

#include "base/formatted.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace gh::gunyah {
namespace {

unsigned long long ull(std::uint64_t value)
{
    return value;
}

template <class T>
const T& at(std::uintptr_t argument)
{
    return *std::bit_cast<const T*>(argument);
}

// "RW-", with what is beyond the three bits as a number behind it.
std::string access_text(std::uint32_t flags)
{
    std::string out{(flags & GH_MEM_ALLOW_READ) != 0 ? 'R' : '-',
                    (flags & GH_MEM_ALLOW_WRITE) != 0 ? 'W' : '-',
                    (flags & GH_MEM_ALLOW_EXEC) != 0 ? 'X' : '-'};
    if (const std::uint32_t rest = flags & ~7u; rest != 0)
        out += formatted("|0x%x", rest);
    return out;
}

std::string region_text(const gh_userspace_memory_region& r)
{
    return formatted(
        " label=%u flags=%s guest_phys_addr=0x%llx memory_size=0x%llx userspace_addr=0x%llx",
        r.label, access_text(r.flags).c_str(), ull(r.guest_phys_addr), ull(r.memory_size),
        ull(r.userspace_addr));
}

std::string vcpu_text(const gh_fn_desc& f)
{
    return f.arg_size == 0 ? formatted(" vcpu id=%llu (by value)", ull(f.arg))
                           : formatted(" vcpu id=%u", at<gh_fn_vcpu_arg>(f.arg).id);
}

std::string irqfd_text(const gh_fn_irqfd_arg& a)
{
    return formatted(" irqfd label=%u fd=%u flags=0x%x", a.label, a.fd, a.flags);
}

std::string ioeventfd_text(const gh_fn_ioeventfd_arg& a)
{
    return formatted(" ioeventfd addr=0x%llx len=%u fd=%d flags=0x%x datamatch=0x%llx", ull(a.addr),
                     a.len, a.fd, a.flags, ull(a.datamatch));
}

std::string function_text(const gh_fn_desc& f)
{
    if (f.type == GH_FN_VCPU && (f.arg_size == 0 || f.arg_size == sizeof(gh_fn_vcpu_arg)))
        return vcpu_text(f);
    if (f.type == GH_FN_IRQFD && f.arg_size == sizeof(gh_fn_irqfd_arg))
        return irqfd_text(at<gh_fn_irqfd_arg>(f.arg));
    if (f.type == GH_FN_IOEVENTFD && f.arg_size == sizeof(gh_fn_ioeventfd_arg))
        return ioeventfd_text(at<gh_fn_ioeventfd_arg>(f.arg));
    return formatted(" type=%u arg_size=%u", f.type, f.arg_size);
}

std::string map_text(const gunyah_map_mem_args& m)
{
    return formatted(" guest_addr=0x%llx flags=0x%x guest_mem_fd=%u offset=0x%llx size=0x%llx",
                     ull(m.guest_addr), m.flags, m.guest_mem_fd, ull(m.offset), ull(m.size));
}

std::string register_text(const gunyah_vm_boot_context& c)
{
    constexpr std::array kSets{"x", "pc", "sp"};
    const std::uint32_t set = c.reg >> 8;
    return set < kSets.size() ? formatted(" %s%u=0x%llx", kSets.at(set), c.reg & 0xff, ull(c.value))
                              : formatted(" reg=0x%x value=0x%llx", c.reg, ull(c.value));
}

std::string mmio_text(const gh_vcpu_run& page)
{
    const auto& mmio = page.mmio;
    std::string out = formatted("MMIO %s 0x%llx len %u", mmio.is_write != 0 ? "write" : "read",
                                ull(mmio.phys_addr), mmio.len);
    std::uint64_t data = 0;
    std::memcpy(&data, mmio.data.data(), std::min<std::size_t>(mmio.len, sizeof(data)));
    return mmio.is_write != 0 ? out + formatted(" data 0x%llx", ull(data)) : out;
}

std::string status_text(const gh_vcpu_run& page)
{
    const auto& info = page.status.exit_info;
    std::string out = formatted("STATUS %u type %u reason_size %u reason", page.status.status,
                                info.type, info.reason_size);
    for (std::size_t i = 0; i < std::min<std::size_t>(info.reason_size, info.reason.size()); ++i)
        out += formatted(" %02x", info.reason.at(i));
    return out;
}

}  // namespace

std::string decode_argument(std::uint32_t request, std::uintptr_t argument)
{
    const bool carries = ((request >> 16) & 0x3fff) != 0;
    if (!carries || argument == 0)
        return argument == 0 && carries ? " NULL" : "";
    switch (request) {
    case GH_VM_SET_USER_MEM_REGION:
    case GH_VM_ANDROID_LEND_USER_MEM: return region_text(at<gh_userspace_memory_region>(argument));
    case GH_VM_SET_DTB_CONFIG: {
        const auto& dtb = at<gh_vm_dtb_config>(argument);
        return formatted(" guest_phys_addr=0x%llx size=0x%llx", ull(dtb.guest_phys_addr),
                         ull(dtb.size));
    }
    case GH_VM_ADD_FUNCTION:
    case GH_VM_REMOVE_FUNCTION: return function_text(at<gh_fn_desc>(argument));
    case GUNYAH_CREATE_GUEST_MEM:
        return formatted(" size=0x%llx", ull(at<gunyah_create_mem_args>(argument).size));
    case GUNYAH_VM_MAP_MEM: return map_text(at<gunyah_map_mem_args>(argument));
    case GUNYAH_VM_SET_BOOT_CONTEXT: return register_text(at<gunyah_vm_boot_context>(argument));
    default: return " (not decoded)";
    }
}

std::string decode_exit(const gh_vcpu_run& page)
{
    switch (page.exit_reason) {
    case GH_VCPU_EXIT_MMIO: return mmio_text(page);
    case GH_VCPU_EXIT_STATUS: return status_text(page);
    case GH_VCPU_EXIT_PAGE_FAULT:
        return formatted("PAGE_FAULT 0x%llx attempt %d", ull(page.page_fault.phys_addr),
                         page.page_fault.attempt);
    default: return formatted("exit_reason %u", page.exit_reason);
    }
}

}  // namespace gh::gunyah
