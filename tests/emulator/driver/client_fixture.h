// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "../../fdt/probe_tree.h"
#include "base/event_fd.h"
#include "base/log.h"
#include "base/mapping.h"
#include "emulator/driver/device.h"
#include "emulator/driver/own_memory.h"
#include "emulator/driver/personality.h"
#include "gunyah/uapi.h"
#include "scripted_hypervisor.h"

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <map>
#include <memory>

#include <fcntl.h>
#include <sys/mman.h>

namespace gh::test {

using namespace gunyah;

inline constexpr std::uint64_t kBase = 0x8000'0000;
inline constexpr std::uint64_t kRam = 8ull << 20;
inline constexpr std::uint64_t kDtb = kBase + (2ull << 20);
inline constexpr std::uint64_t kPage = 0x1000;

/// Whether the kernel lets this process read there.
inline bool readable(const std::byte* at)
{
    std::byte byte{};
    return driver::read_own(reinterpret_cast<std::uintptr_t>(at), {&byte, 1});
}

/// A VMM of a few lines: what it does is what /dev/gunyah's clients do, ioctl by ioctl.
struct ClientFixture {
    explicit ClientFixture(const driver::DeviceOptions& options = {})
        : personality(driver::find_personality(options.personality)),
          device((set_log_level(LogLevel::Error), driver::open_emulated_device(options))),
          vm(create_vm())
    {
        hypervisor().reset();
    }

    std::unique_ptr<File> create_vm() { return device->ioctl(GH_CREATE_VM, 0).file; }

    template <class T>
    int call(File& file, std::uint32_t request, T argument)
    {
        return file.ioctl(request, reinterpret_cast<std::uintptr_t>(&argument)).error;
    }

    int region(std::uint64_t at, std::uint64_t size, std::uint32_t flags = 7, bool lend = false,
               std::uint32_t label = 0, const void* host = nullptr)
    {
        const void* memory = host != nullptr ? host : ram.data();
        return call(*vm, lend ? GH_VM_ANDROID_LEND_USER_MEM : GH_VM_SET_USER_MEM_REGION,
                    gh_userspace_memory_region{label, flags, at, size,
                                               reinterpret_cast<std::uint64_t>(memory)});
    }

    int set_dtb(std::uint64_t at, std::uint64_t size)
    {
        return call(*vm, GH_VM_SET_DTB_CONFIG, gh_vm_dtb_config{at, size});
    }

    int boot(std::uint32_t reg, std::uint64_t value)
    {
        return call(*vm, GUNYAH_VM_SET_BOOT_CONTEXT, gunyah_vm_boot_context{reg, 0, value});
    }

    void place_tree(const fdt::Node& tree, std::uint64_t at = kDtb)
    {
        const auto blob = fdt::flatten(tree);
        std::memcpy(ram.data() + (at - kBase), blob.data(), blob.size());
    }

    /// CREATE_GUEST_MEM; `fd` becomes what MAP_MEM takes.
    std::unique_ptr<File> create_guest_memory(std::uint64_t size, std::uint32_t& fd,
                                              std::uint64_t flags = 1)
    {
        const gunyah_create_mem_args wanted{flags, size, {}};
        auto reply =
            device->ioctl(GUNYAH_CREATE_GUEST_MEM, reinterpret_cast<std::uintptr_t>(&wanted));
        fd = static_cast<std::uint32_t>(reply.value);
        return std::move(reply.file);
    }

    int map_memory(std::uint64_t at, std::uint32_t flags, std::uint32_t fd, std::uint64_t offset,
                   std::uint64_t size)
    {
        return call(*vm, GUNYAH_VM_MAP_MEM, gunyah_map_mem_args{at, flags, fd, offset, size});
    }

    /// Memory and a devicetree that START takes, in the way of the generation.
    void prepare(bool lend = false, const fdt::Node& tree = fdt::probe_tree())
    {
        place_tree(tree);
        if (personality.guest_memory) {
            const auto memory = create_guest_memory(kRam, guest_memory_fd);
            std::memcpy(memory->map_run_page(kRam), ram.data(), kRam);
            guest_memory = Fd{::fcntl(memory->memory_fd(), F_DUPFD_CLOEXEC, 0)};
            guest_memory_fd = static_cast<std::uint32_t>(guest_memory.get());
            map_memory(kBase, 0x70 | (lend ? 1u : 2u), guest_memory_fd, 0, kRam);
        } else {
            region(kBase, kRam, 7 | (lend && personality.lent_flag ? 8u : 0),
                   lend && !personality.lent_flag);
        }
        set_dtb(kDtb, 2ull << 20);
    }

    int start() { return vm->ioctl(GH_VM_START, 0).error; }

    template <class T>
    Reply function(std::uint32_t request, std::uint32_t type, const T& argument)
    {
        gh_fn_desc description{type, sizeof argument, reinterpret_cast<std::uint64_t>(&argument)};
        return vm->ioctl(request, reinterpret_cast<std::uintptr_t>(&description));
    }

    Reply add_vcpu(std::uint32_t id)
    {
        if (personality.vcpu_id_by_value) {
            const gh_fn_desc description{GH_FN_VCPU, 0, id};
            return vm->ioctl(GH_VM_ADD_FUNCTION, reinterpret_cast<std::uintptr_t>(&description));
        }
        return function(GH_VM_ADD_FUNCTION, GH_FN_VCPU, gh_fn_vcpu_arg{id});
    }
    int remove_vcpu(std::uint32_t id)
    {
        if (personality.vcpu_id_by_value)
            return call(*vm, GH_VM_REMOVE_FUNCTION, gh_fn_desc{GH_FN_VCPU, 0, id});
        return function(GH_VM_REMOVE_FUNCTION, GH_FN_VCPU, gh_fn_vcpu_arg{id}).error;
    }
    int add_irqfd(int fd, std::uint32_t label, std::uint32_t flags = 0)
    {
        return function(GH_VM_ADD_FUNCTION, GH_FN_IRQFD,
                        gh_fn_irqfd_arg{static_cast<std::uint32_t>(fd), label, flags, 0})
            .error;
    }
    int remove_irqfd(std::uint32_t label)
    {
        return function(GH_VM_REMOVE_FUNCTION, GH_FN_IRQFD, gh_fn_irqfd_arg{0, label, 0, 0}).error;
    }
    int ioeventfd(std::uint32_t request, std::uint64_t addr, std::uint32_t len, int fd,
                  std::uint32_t flags = 0, std::uint64_t datamatch = 0)
    {
        return function(request, GH_FN_IOEVENTFD,
                        gh_fn_ioeventfd_arg{datamatch, addr, len, fd, flags, 0})
            .error;
    }
    int add_ioeventfd(std::uint64_t addr, std::uint32_t len, int fd, std::uint32_t flags = 0,
                      std::uint64_t datamatch = 0)
    {
        return ioeventfd(GH_VM_ADD_FUNCTION, addr, len, fd, flags, datamatch);
    }
    int remove_ioeventfd(std::uint64_t addr, std::uint32_t len, std::uint32_t flags = 0,
                         std::uint64_t datamatch = 0)
    {
        return ioeventfd(GH_VM_REMOVE_FUNCTION, addr, len, -1, flags, datamatch);
    }

    /// The guest wants a page of memory: 0 when it has it, or the errno of the page fault exit.
    /// VMMIO: as an access that has a syndrome, where -1 means an MMIO exit.
    int touch(std::uint64_t at, hyp::FaultAccess access = hyp::FaultAccess::Read)
    {
        return toucher_meets(
            returns(hyp::VcpuState::PageFault, at, static_cast<std::uint64_t>(access)));
    }
    int load(std::uint64_t at) { return toucher_meets(returns(hyp::VcpuState::VmmioRead, at, 8)); }
    int store(std::uint64_t at, std::uint64_t value = 0)
    {
        return toucher_meets(returns(hyp::VcpuState::VmmioWrite, at, 8, value));
    }
    /// The run page of who does.
    gh_vcpu_run& touched() { return *reinterpret_cast<gh_vcpu_run*>(toucher->map_run_page(kPage)); }

    int toucher_meets(Hypervisor::Step step)
    {
        constexpr std::uint64_t kEnd = 0x7000;
        if (!toucher)
            toucher = add_vcpu(0).file;
        hypervisor().steps[0] = {std::move(step), returns(hyp::VcpuState::VmmioWrite, kEnd, 8, 0)};
        touched().exit_reason = 0;
        if (const int error = toucher->ioctl(GH_VCPU_RUN, 0).error)
            return error;
        if (touched().exit_reason == GH_VCPU_EXIT_PAGE_FAULT)
            return -touched().page_fault.attempt;
        return touched().mmio.phys_addr == kEnd ? 0 : -1;
    }

    int describe(std::uint32_t request, std::uint32_t type, std::uint32_t size,
                 const void* argument)
    {
        return call(*vm, request,
                    gh_fn_desc{type, size, reinterpret_cast<std::uint64_t>(argument)});
    }

    const driver::Personality& personality;
    Mapping ram{"test memory", kRam, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS};
    Fd guest_memory;  // a descriptor of it, as prepare() made it
    std::uint32_t guest_memory_fd = 0;
    std::unique_ptr<File> device;
    std::unique_ptr<File> vm;
    std::unique_ptr<File> toucher;  // a vCPU
};

/// Names of generations that share a row of a table.
using Names = std::initializer_list<const char*>;
inline constexpr Names kPinning{"v10", "v11", "android14-early", "v12", "v13", "v14", "android14"};
inline constexpr Names kTwelveOn{"v12", "v13", "v14", "android14"};
inline constexpr Names kFifteenOn{"v15", "v16", "v17", "android15", "android16"};
inline constexpr Names kGuestMemory{"v15", "v16", "v17"};
inline constexpr Names kAndroidPaged{"android15", "android16"};

/// The same with a started VM and its first vCPU.
struct RunningFixture : ClientFixture {
    explicit RunningFixture(const fdt::Node& tree = fdt::probe_tree(),
                            const driver::DeviceOptions& options = {})
        : ClientFixture(options)
    {
        prepare(false, tree);
        vcpu = add_vcpu(0).file;
        started = start();
    }

    int run() { return vcpu->ioctl(GH_VCPU_RUN, 0).error; }
    gh_vcpu_run& page() { return *reinterpret_cast<gh_vcpu_run*>(vcpu->map_run_page(kPage)); }
    void guest(Hypervisor::Step step) { hypervisor().steps[0].push_back(std::move(step)); }
    void guest_writes(std::uint64_t address, std::uint64_t size, std::uint64_t value)
    {
        guest(returns(hyp::VcpuState::VmmioWrite, address, size, value));
    }
    void guest_reads(std::uint64_t address, std::uint64_t size)
    {
        guest(returns(hyp::VcpuState::VmmioRead, address, size));
    }

    std::unique_ptr<File> vcpu;
    int started = -1;
};

}  // namespace gh::test
