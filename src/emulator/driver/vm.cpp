// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/vm.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace gh::driver {

using namespace gunyah;

Vm::Vm(std::shared_ptr<rm::ResourceManager> manager, std::shared_ptr<GuestMemories> memories,
       std::shared_ptr<Client> client, const Personality& personality)
    : manager_(std::move(manager)),
      memories_(std::move(memories)),
      client_(std::move(client)),
      personality_(personality),
      memory_(std::make_shared<MemoryMap>(client_, personality)),
      ioeventfds_(personality),
      irqfds_(std::make_unique<Irqfds>([this](std::uint32_t label) { ring(label); }))
{
}

/// The order of gunyah-uapi.md 2.10 (v15 and later). Earlier kernels do it in a thread of theirs,
/// so that close() may return before; nobody can rely on that.
Vm::~Vm()
{
    if (guest_ && status_ == rm::VmState::Running)
        guest_->stop();
    irqfds_.reset();
    vcpus_.clear();
    if (guest_)
        reclaim();
}

void Vm::reclaim() noexcept
{
    if (personality_.forgets_unstarted && status_ == rm::VmState::Load) {
        log(LogLevel::Warn,
            "this generation never gives the vmid of a VM back that was not started (%#x)",
            unsigned{guest_->vmid()});
        return;
    }
    // A VM that failed before VM_INIT is not reset, so that its vmid may be lost (2.6).
    {
        const auto lock = memory_->lock();
        memory_->attach(nullptr);
    }
    if (status_ != rm::VmState::Load)
        (void)guest_->reset();
    memory_->give_back_all();
    manager_->take_parcels_back(parcels_);
    if (manager_->deallocate(*guest_) != rm::Error::Ok)
        log(LogLevel::Warn, "the Resource Manager keeps vmid %#x: its VM failed before VM_INIT",
            unsigned{guest_->vmid()});
}

rm::VmState Vm::initial_state() const noexcept
{
    return personality_.vmid_at_create ? rm::VmState::Load : rm::VmState::NoState;
}

int Vm::create()
{
    return personality_.vmid_at_create ? allocate_vmid() : 0;
}

int Vm::allocate_vmid()
{
    if (const auto error = manager_->allocate(guest_); error != rm::Error::Ok)
        return errno_of(error);
    status_ = rm::VmState::Load;
    return 0;
}

int Vm::set_dtb(std::uintptr_t argument)
{
    gh_vm_dtb_config config{};
    if (!read_struct(*client_, argument, config))
        return EFAULT;
    if (personality_.rounds_dtb)
        config.size = align_up(config.size, page_size());
    if (personality_.wrapped == WrappedRange::Overflow &&
        config.guest_phys_addr + config.size < config.guest_phys_addr)
        return EOVERFLOW;
    const std::unique_lock lock(start_lock_);
    dtb_ = {config.guest_phys_addr, config.size};
    return 0;
}

int Vm::set_firmware(std::uintptr_t argument)
{
    gh_vm_dtb_config config{};  // the same two words
    if (!read_struct(*client_, argument, config))
        return EFAULT;
    const std::unique_lock lock(start_lock_);
    firmware_ = Range{config.guest_phys_addr, config.size};
    return 0;
}

int Vm::set_boot_context(std::uintptr_t argument)
{
    gunyah_vm_boot_context context{};
    if (!read_struct(*client_, argument, context))
        return EFAULT;
    if (personality_.strict_boot_reg && (context.reg & ~0xffffu) != 0)
        return EINVAL;
    const auto set = static_cast<std::uint32_t>(bits(context.reg, 8, 8));
    const auto index = static_cast<std::uint32_t>(bits(context.reg, 0, 8));
    // The kernel's limits, looser by one than the Resource Manager's: X31 and SP 2 fail at START.
    const bool known = (set == GUNYAH_REG_SET_X && index <= 31) ||
                       (set == GUNYAH_REG_SET_PC && index == 0) ||
                       (set == GUNYAH_REG_SET_SP && index <= 2);
    if (!known)
        return EINVAL;
    const std::unique_lock lock(start_lock_);
    if (status_ != rm::VmState::NoState)
        return EINVAL;
    boot_registers_[context.reg] = context.value;
    return 0;
}

int Vm::set_auth_type(std::uintptr_t argument)
{
    gh_fn_desc description{};  // the same three words
    if (!read_struct(*client_, argument, description))
        return EFAULT;
    return ENOENT;  // no authentication module is loaded
}

std::optional<Vm::Target> Vm::vcpu_target(std::uint32_t id) const
{
    const std::shared_lock lock(start_lock_);
    const auto index = resource(rm::Resource::Type::Vcpu, id);
    if (!index)
        return std::nullopt;
    return Target{hypervisor_, *index};
}

std::optional<Vm::Target> Vm::running_vcpu(std::uint32_t id) const noexcept
{
    hyp::Vm* const hypervisor = hypervisor_;
    if (hypervisor == nullptr)
        return std::nullopt;
    const auto index = resource(rm::Resource::Type::Vcpu, id);
    if (!index)
        return std::nullopt;
    return Target{hypervisor, *index};
}

std::optional<unsigned> Vm::resource(rm::Resource::Type type, std::uint32_t label) const noexcept
{
    for (const rm::Resource& resource : resources_)
        if (resource.type == type && resource.label == label)
            return resource.index;
    return std::nullopt;
}

void Vm::exited(const hyp::VmExit& exit) noexcept
{
    {
        const std::scoped_lock lock(exit_mutex_);
        exit_ = exit;
    }
    status_ = rm::VmState::Exited;
}

hyp::VmExit Vm::exit() const
{
    const std::scoped_lock lock(exit_mutex_);
    return exit_;
}

/// A write to an irqfd. Before START there is no doorbell, and the write is lost.
void Vm::ring(std::uint32_t label) noexcept
{
    hyp::Vm* const hypervisor = hypervisor_;
    if (hypervisor == nullptr)
        return;
    if (const auto bell = resource(rm::Resource::Type::BellTx, label))
        hypervisor->doorbell_send(*bell, 1);
}

}  // namespace gh::driver
