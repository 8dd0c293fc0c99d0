// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/file.h"
#include "gunyah/uapi.h"

#include <bit>
#include <span>
#include <string_view>

/// Typed requests: one row each. A request called with the wrong structure does not compile, nor
/// does a row whose number encodes another size than its structure has.
namespace gh::gunyah {

/// The argument of requests that carry none: the kernel wants 0 or does not look.
struct Nothing {};

template <class Arg>
struct Request {
    const char* name;
    std::uint32_t number;
};

template <class Arg>
consteval Request<Arg> request(const char* name, std::uint32_t number)
{
    constexpr std::size_t kSize = std::is_same_v<Arg, Nothing> ? 0 : sizeof(Arg);
    if (((number >> 16) & 0x3fff) != kSize)
        throw "the request's number says another size";  // never runs: stops the compiler
    return {name, number};
}

inline constexpr auto kCreateVm = request<Nothing>("GH_CREATE_VM", GH_CREATE_VM);
inline constexpr auto kSetUserMemRegion =
    request<gh_userspace_memory_region>("GH_VM_SET_USER_MEM_REGION", GH_VM_SET_USER_MEM_REGION);
inline constexpr auto kLendUserMem =
    request<gh_userspace_memory_region>("GH_VM_ANDROID_LEND_USER_MEM", GH_VM_ANDROID_LEND_USER_MEM);
inline constexpr auto kSetDtbConfig =
    request<gh_vm_dtb_config>("GH_VM_SET_DTB_CONFIG", GH_VM_SET_DTB_CONFIG);
inline constexpr auto kStart = request<Nothing>("GH_VM_START", GH_VM_START);
inline constexpr auto kAddFunction = request<gh_fn_desc>("GH_VM_ADD_FUNCTION", GH_VM_ADD_FUNCTION);
inline constexpr auto kRemoveFunction =
    request<gh_fn_desc>("GH_VM_REMOVE_FUNCTION", GH_VM_REMOVE_FUNCTION);
inline constexpr auto kVcpuRun = request<Nothing>("GH_VCPU_RUN", GH_VCPU_RUN);
inline constexpr auto kVcpuMmapSize = request<Nothing>("GH_VCPU_MMAP_SIZE", GH_VCPU_MMAP_SIZE);
inline constexpr auto kCreateGuestMem =
    request<gunyah_create_mem_args>("GUNYAH_CREATE_GUEST_MEM", GUNYAH_CREATE_GUEST_MEM);
inline constexpr auto kMapMem =
    request<gunyah_map_mem_args>("GUNYAH_VM_MAP_MEM", GUNYAH_VM_MAP_MEM);
inline constexpr auto kSetBootContext =
    request<gunyah_vm_boot_context>("GUNYAH_VM_SET_BOOT_CONTEXT", GUNYAH_VM_SET_BOOT_CONTEXT);
inline constexpr auto kTentativeUapi =
    request<Nothing>("GH_ANDROID_TENTATIVE_UAPI", GH_ANDROID_TENTATIVE_UAPI);
inline constexpr auto kCheckExtension =
    request<Nothing>("GUNYAH_CHECK_EXTENSION", GUNYAH_CHECK_EXTENSION);

template <class Arg>
Reply call(File& file, const Request<Arg>& what, const Arg& argument) noexcept
{
    return file.ioctl(what.number, std::bit_cast<std::uintptr_t>(&argument));
}

inline Reply call(File& file, const Request<Nothing>& what) noexcept
{
    return file.ioctl(what.number, 0);
}

/// Asks whether the file knows a request, without doing it: a null pointer makes the kernel say
/// EFAULT if it does (gunyah-uapi.md 1.5). Answers the errno.
template <class Arg>
int probe(File& file, const Request<Arg>& what) noexcept
{
    static_assert(!std::is_same_v<Arg, Nothing>, "this would do it");
    return file.ioctl(what.number, 0).error;
}

/// The name of any request of the family, also of those that we never send; empty if unknown.
[[nodiscard]] std::string_view request_name(std::uint32_t number) noexcept;

}  // namespace gh::gunyah
