// SPDX-License-Identifier: BSD-3-Clause
#include "gunyah/vm.h"

#include "base/error.h"
#include "gunyah/explain.h"
#include "gunyah/memlock.h"
#include "gunyah/requests.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace gh::gunyah {
namespace {

std::unique_ptr<File> create_vm(File& device)
{
    Reply reply = call(device, kCreateVm);
    if (reply.error == EINVAL || reply.error == ENOTTY)
        throw NoSuchDevice(refusal(GH_CREATE_VM, "", reply.error));
    if (reply.error != 0)
        throw_refused(GH_CREATE_VM, "", reply.error);
    return std::move(reply.file);
}

std::uint32_t access_flags(const Grant& grant)
{
    return (grant.read ? GH_MEM_ALLOW_READ : 0) | (grant.write ? GH_MEM_ALLOW_WRITE : 0) |
           (grant.execute ? GH_MEM_ALLOW_EXEC : 0);
}

void check(const Reply& reply, std::uint32_t request, const std::string& object)
{
    if (reply.error != 0)
        throw_refused(request, object, reply.error);
}

void refuse_lending(const Abi& abi)
{
    throw Error(std::string("memory.sharing is \"lend\", but the kernel (") + abi.name +
                ") can only share memory with a VM: set it to \"share\"");
}

}  // namespace

Vm::Vm(std::unique_ptr<File> device)
    : device_(std::move(device)), vm_(create_vm(*device_)), abi_(&probe_abi(*device_, *vm_))
{
}

SharedMemory Vm::give(const Grant& grant)
{
    if (abi_->memory == MemoryCall::GuestMem)
        return give_guest_memory(grant);
    if (abi_->memlock_accounted)
        raise_memlock(locked_ += grant.host.size());
    const std::size_t step = abi_->max_chunk == 0 ? grant.host.size() : abi_->max_chunk;
    for (std::size_t done = 0; done < grant.host.size(); done += step) {
        const auto left = grant.host.subspan(done);
        give_user_memory(grant, grant.at + done, left.first(std::min(step, left.size())));
    }
    return {.host = grant.lend ? std::span<std::byte>{} : grant.host};
}

void Vm::give_user_memory(const Grant& grant, Gpa at, std::span<std::byte> host)
{
    if (grant.lend && abi_->memory == MemoryCall::ShareOnly)
        refuse_lending(*abi_);
    const bool by_flag = grant.lend && abi_->memory == MemoryCall::LentFlag;
    const auto& how = grant.lend && !by_flag ? kLendUserMem : kSetUserMemRegion;
    const gh_userspace_memory_region region{
        .label = grant.label,
        .flags = access_flags(grant) | (by_flag ? GH_MEM_LENT : 0),
        .guest_phys_addr = raw(at),
        .memory_size = host.size(),
        .userspace_addr = std::bit_cast<std::uintptr_t>(host.data())};
    const Reply reply = call(*vm_, how, region);
    if (reply.error == ENOMEM && abi_->memlock_accounted)
        explain_memlock(locked_);
    check(reply, how.number, grant.name);
}

// v15-v17 let no memory of ours into a VM: the driver makes it, and what the guest must find is
// copied into it. The VM keeps it; what is lent we let go at once, for it must not be mapped.
SharedMemory Vm::give_guest_memory(const Grant& grant)
{
    const gunyah_create_mem_args wanted{.flags = 1, .size = grant.host.size(), .reserved = {}};
    Reply made = call(*device_, kCreateGuestMem, wanted);
    check(made, GUNYAH_CREATE_GUEST_MEM, grant.name);
    const std::span mapped{made.file->map_run_page(grant.host.size()), grant.host.size()};
    std::memcpy(mapped.data(), grant.host.data(), mapped.size());
    const gunyah_map_mem_args place{
        .guest_addr = raw(grant.at),
        .flags = (access_flags(grant) << 4) |
                 (grant.lend ? GUNYAH_MEM_FORCE_LEND : GUNYAH_MEM_FORCE_SHARE),
        .guest_mem_fd = static_cast<std::uint32_t>(made.value),
        .offset = 0,
        .size = grant.host.size()};
    check(call(*vm_, kMapMem, place), GUNYAH_VM_MAP_MEM, grant.name);
    if (grant.lend)
        return {};
    memories_.push_back(std::move(made.file));
    return {.host = mapped, .fd = static_cast<int>(made.value)};
}

std::unique_ptr<Vcpu> Vm::add_vcpu(unsigned id)
{
    const gh_fn_vcpu_arg argument{.id = id};
    gh_fn_desc function{.type = GH_FN_VCPU, .arg_size = 0, .arg = id};
    if (!abi_->vcpu_id_by_value) {
        function.arg_size = sizeof(argument);
        function.arg = std::bit_cast<std::uintptr_t>(&argument);
    }
    const std::string name = "vCPU " + std::to_string(id);
    Reply reply = call(*vm_, kAddFunction, function);
    check(reply, GH_VM_ADD_FUNCTION, name);
    return std::make_unique<Vcpu>(std::move(reply.file), id);
}

void Vm::add_irqfd(std::uint32_t label, const EventFd& event)
{
    const gh_fn_irqfd_arg argument{
        .fd = static_cast<std::uint32_t>(event.get()), .label = label, .flags = 0, .padding = 0};
    const gh_fn_desc function{.type = GH_FN_IRQFD,
                              .arg_size = sizeof(argument),
                              .arg = std::bit_cast<std::uintptr_t>(&argument)};
    check(call(*vm_, kAddFunction, function), GH_VM_ADD_FUNCTION,
          "the doorbell with label " + std::to_string(label));
}

bool Vm::add_ioeventfd(Gpa at, std::uint32_t value, const EventFd& event)
{
    const gh_fn_ioeventfd_arg argument{.datamatch = value,
                                       .addr = raw(at),
                                       .len = sizeof value,
                                       .fd = event.get(),
                                       .flags = GH_IOEVENTFD_FLAGS_DATAMATCH,
                                       .padding = 0};
    const gh_fn_desc function{.type = GH_FN_IOEVENTFD,
                              .arg_size = sizeof(argument),
                              .arg = std::bit_cast<std::uintptr_t>(&argument)};
    return call(*vm_, kAddFunction, function).error == 0;
}

void Vm::set_dtb(Gpa at, std::uint64_t size)
{
    const gh_vm_dtb_config place{.guest_phys_addr = raw(at), .size = size};
    check(call(*vm_, kSetDtbConfig, place), GH_VM_SET_DTB_CONFIG, "");
}

void Vm::set_boot_context(Gpa pc, std::uint64_t x0)
{
    set_register(GUNYAH_REG_SET_PC, 0, raw(pc));
    set_register(GUNYAH_REG_SET_X, 0, x0);
}

void Vm::set_register(std::uint32_t set, std::uint32_t index, std::uint64_t value)
{
    const gunyah_vm_boot_context context{.reg = set << 8 | index, .reserved = 0, .value = value};
    check(call(*vm_, kSetBootContext, context), GUNYAH_VM_SET_BOOT_CONTEXT, "");
}

// START sleeps in the kernel until the Resource Manager has answered; a signal may cut that short.
void Vm::start()
{
    int error = EINTR;
    while (error == EINTR)
        error = call(*vm_, kStart).error;
    if (error != 0)
        throw_refused(GH_VM_START, "", error);
}

}  // namespace gh::gunyah
