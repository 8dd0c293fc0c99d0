// SPDX-License-Identifier: BSD-3-Clause
// ADD_FUNCTION and REMOVE_FUNCTION (gunyah-uapi.md 2.5, golden/README.md 01.7 to 01.10).
#include "base/error.h"
#include "base/log.h"
#include "emulator/driver/vm.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gh::driver {

using namespace gunyah;

namespace {

constexpr std::uint32_t kKmallocMax = 4u << 20;

/// The argument of a function, if it is as long as it should be.
template <class T>
bool unpack(std::span<const std::byte> bytes, T& argument)
{
    if (bytes.size() != sizeof argument)
        return false;
    std::memcpy(&argument, bytes.data(), sizeof argument);
    return true;
}

}  // namespace

int Vm::add_function(std::uintptr_t argument, std::shared_ptr<Vcpu>& vcpu)
{
    gh_fn_desc description{};
    if (!read_struct(*client_, argument, description))
        return EFAULT;
    if (description.arg_size > GH_FN_MAX_ARG_SIZE)
        return EINVAL;
    std::array<std::byte, GH_FN_MAX_ARG_SIZE> buffer{};
    const auto bytes = std::span(buffer).first(description.arg_size);
    if (!bytes.empty() && !client_->read(description.arg, bytes))
        return EFAULT;

    const std::scoped_lock lock(function_mutex_);
    const int error = bind_function(description, bytes, vcpu);
    if (error == 0 && personality_.removal <= Removal::WholeOrEmpty)
        added_.push_back({description.type, description.arg, {bytes.begin(), bytes.end()}});
    return error;
}

int Vm::bind_function(const gh_fn_desc& description, std::span<const std::byte> bytes,
                      std::shared_ptr<Vcpu>& vcpu)
{
    switch (description.type) {
    case GH_FN_VCPU: {
        gh_fn_vcpu_arg vcpu_argument{static_cast<std::uint32_t>(description.arg)};
        const bool fits =
            personality_.vcpu_id_by_value ? bytes.empty() : unpack(bytes, vcpu_argument);
        return fits ? add_vcpu(vcpu_argument.id, vcpu) : EINVAL;
    }
    case GH_FN_IRQFD: {
        gh_fn_irqfd_arg irqfd{};
        return unpack(bytes, irqfd) ? add_irqfd(irqfd) : EINVAL;
    }
    case GH_FN_IOEVENTFD: {
        gh_fn_ioeventfd_arg ioeventfd{};
        return unpack(bytes, ioeventfd) ? add_ioeventfd(ioeventfd) : EINVAL;
    }
    default: return ENOENT;
    }
}

/// Any id: one that the devicetree does not know never gets a vCPU to run.
int Vm::add_vcpu(std::uint32_t id, std::shared_ptr<Vcpu>& vcpu)
{
    if (vcpus_.contains(id))
        return EEXIST;
    try {
        vcpu = std::make_shared<Vcpu>(*this, id);
    } catch (const Error&) {
        return ENOMEM;
    }
    vcpus_.emplace(id, vcpu);
    return 0;
}

int Vm::add_irqfd(const gh_fn_irqfd_arg& argument)
{
    if (personality_.function_flags && (argument.flags & ~GH_IRQFD_FLAGS_LEVEL) != 0)
        return EINVAL;
    Fd eventfd;
    if (const int error = client_->dup_eventfd(static_cast<int>(argument.fd), eventfd))
        return error;
    const bool level = (argument.flags & GH_IRQFD_FLAGS_LEVEL) != 0;
    if (const int error = irqfds_->add(argument.label, level, std::move(eventfd)))
        return error;
    attach_doorbells();
    return 0;
}

/// A level line stays up until the guest has taken it: masks as the driver programs them.
void Vm::attach_doorbells() noexcept
{
    hyp::Vm* const hypervisor = hypervisor_;
    if (hypervisor == nullptr)
        return;
    irqfds_->for_each([&](std::uint32_t label, bool level) {
        const auto bell = resource(rm::Resource::Type::BellTx, label);
        if (bell && level && !hypervisor->doorbell_mask(*bell, 1, 1))
            log(LogLevel::Warn,
                "irqfd %u: its doorbell has no source-can-clear, so it cannot be level-triggered: "
                "once rung it interrupts for ever, unless its guest takes it back",
                label);
    });
}

int Vm::add_ioeventfd(const gh_fn_ioeventfd_arg& argument)
{
    if (const int error = ioeventfds_.check(argument))
        return error;
    Fd eventfd;
    if (const int error = client_->dup_eventfd(argument.fd, eventfd))
        return error;
    return ioeventfds_.add(argument, std::move(eventfd));
}

/// The argument is copied whole before the type is looked at, as long as the kernel can allocate
/// it.
int Vm::remove_function(std::uintptr_t argument)
{
    gh_fn_desc description{};
    if (!read_struct(*client_, argument, description))
        return EFAULT;
    if (description.arg_size > kKmallocMax)
        return ENOMEM;
    std::vector<std::byte> bytes(description.arg_size);
    if (!bytes.empty() && !client_->read(description.arg, bytes))
        return EFAULT;

    const std::scoped_lock lock(function_mutex_);
    switch (personality_.removal) {
    case Removal::Whole: return remove_whole(description, bytes);
    case Removal::WholeOrEmpty: return bytes.empty() ? 0 : remove_whole(description, bytes);
    case Removal::ByKey:
        return bytes.empty() ? 0 : unbind_function(description.type, bytes, description.arg);
    case Removal::Exact: return unbind_function(description.type, bytes, description.arg);
    }
    return ENOENT;
}

/// 0 even if there is none.
int Vm::remove_whole(const gh_fn_desc& description, std::span<const std::byte> bytes)
{
    const auto found = std::find_if(added_.begin(), added_.end(), [&](const Added& one) {
        return one.type == description.type && std::ranges::equal(one.bytes, bytes) &&
               (!bytes.empty() || one.value == description.arg);
    });
    if (found == added_.end())
        return 0;
    (void)unbind_function(found->type, bytes, found->value);
    added_.erase(found);
    return 0;
}

int Vm::unbind_function(std::uint32_t type, std::span<const std::byte> bytes, std::uint64_t value)
{
    gh_fn_vcpu_arg vcpu{static_cast<std::uint32_t>(value)};
    gh_fn_irqfd_arg irqfd{};
    gh_fn_ioeventfd_arg ioeventfd{};
    if (type == GH_FN_VCPU && (personality_.vcpu_id_by_value || unpack(bytes, vcpu)))
        return remove_vcpu(vcpu.id);
    if (type == GH_FN_IRQFD && unpack(bytes, irqfd))
        return irqfds_->remove(irqfd.label);
    if (type == GH_FN_IOEVENTFD && unpack(bytes, ioeventfd))
        return ioeventfds_.remove(ioeventfd);
    return ENOENT;
}

void Vm::forget_vcpu(std::uint32_t id) noexcept
{
    const std::scoped_lock lock(function_mutex_);
    vcpus_.erase(id);
}

int Vm::remove_vcpu(std::uint32_t id)
{
    const auto found = vcpus_.find(id);
    if (found == vcpus_.end())
        return ENOENT;
    found->second->remove();
    vcpus_.erase(found);
    return 0;
}

}  // namespace gh::driver
