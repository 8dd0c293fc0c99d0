// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/device.h"

#include "base/error.h"
#include "base/log.h"
#include "emulator/driver/guest_memory.h"
#include "emulator/driver/vm.h"

#include <cerrno>
#include <exception>
#include <utility>

namespace gh::driver {

using namespace gunyah;

namespace {

Reply answer(int error)
{
    return {error, 0, nullptr};
}

/// Whether a VM of that generation has a request at all. Those that all have are not named.
bool knows(const Personality& personality, std::uint32_t request)
{
    switch (request) {
    case GH_VM_SET_USER_MEM_REGION: return personality.user_memory;
    case GH_VM_ANDROID_LEND_USER_MEM:
    case GH_VM_ANDROID_SET_FW_CONFIG: return personality.android_calls;
    case GUNYAH_VM_MAP_MEM: return personality.guest_memory;
    case GUNYAH_VM_SET_BOOT_CONTEXT: return personality.boot_context;
    case GUNYAH_VM_RECLAIM_REGION: return personality.reclaim_region;
    case GUNYAH_VM_MAP_CMA_MEM: return personality.map_cma_mem;
    case GUNYAH_VM_SET_AUTH_TYPE: return personality.set_auth_type;
    default: return true;
    }
}

/// What a client asks for may be more than the host has, of memory or of threads.
template <class F>
Reply unless_short_of_memory(F&& perform) noexcept
{
    try {
        return perform();
    } catch (const std::exception& failure) {
        log(LogLevel::Warn, "a client's request cannot be done: %s", failure.what());
        return answer(ENOMEM);
    }
}

class VmFile final : public File {
public:
    VmFile(std::shared_ptr<Vm> vm, const Personality& personality)
        : vm_(std::move(vm)), personality_(personality)
    {
    }

    Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override;
    std::byte* map_run_page(std::size_t) override { throw Error("mmap of a VM: ENODEV"); }
    void interrupt() noexcept override {}

private:
    Reply add_function(std::uintptr_t argument);
    int control(std::uint32_t request, std::uintptr_t argument);

    std::shared_ptr<Vm> vm_;
    const Personality& personality_;
};

Reply VmFile::ioctl(std::uint32_t request, std::uintptr_t argument) noexcept
{
    return unless_short_of_memory([&] {
        if (!knows(personality_, request))
            return answer(ENOTTY);
        if (request == GH_VM_ADD_FUNCTION)
            return add_function(argument);
        return answer(control(request, argument));
    });
}

int VmFile::control(std::uint32_t request, std::uintptr_t argument)
{
    switch (request) {
    case GH_VM_SET_USER_MEM_REGION: return vm_->set_user_memory(argument, false);
    case GH_VM_ANDROID_LEND_USER_MEM: return vm_->set_user_memory(argument, true);
    case GUNYAH_VM_MAP_MEM: return vm_->map_memory(argument);
    case GH_VM_SET_DTB_CONFIG: return vm_->set_dtb(argument);
    case GH_VM_ANDROID_SET_FW_CONFIG: return vm_->set_firmware(argument);
    case GUNYAH_VM_SET_BOOT_CONTEXT: return vm_->set_boot_context(argument);
    case GH_VM_START: return vm_->start();
    case GH_VM_REMOVE_FUNCTION: return vm_->remove_function(argument);
    case GUNYAH_VM_RECLAIM_REGION: return vm_->reclaim_region(argument);
    case GUNYAH_VM_MAP_CMA_MEM: return vm_->map_cma(argument);
    case GUNYAH_VM_SET_AUTH_TYPE: return vm_->set_auth_type(argument);
    default: return ENOTTY;
    }
}

Reply VmFile::add_function(std::uintptr_t argument)
{
    std::shared_ptr<Vcpu> vcpu;
    Reply reply{vm_->add_function(argument, vcpu), 0, nullptr};
    if (reply.error == 0 && vcpu)
        reply.file = make_vcpu_file(vm_, std::move(vcpu));
    return reply;
}

class DeviceFile final : public File {
public:
    DeviceFile(const Personality& personality, std::shared_ptr<rm::ResourceManager> manager,
               std::shared_ptr<GuestMemories> memories, std::shared_ptr<Client> client)
        : personality_(personality),
          manager_(std::move(manager)),
          memories_(std::move(memories)),
          client_(std::move(client))
    {
    }

    Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override;
    std::byte* map_run_page(std::size_t) override { throw Error("mmap of /dev/gunyah: ENODEV"); }
    void interrupt() noexcept override {}

private:
    Reply create_vm(std::uintptr_t argument);
    Reply create_guest_memory(std::uintptr_t argument);

    const Personality& personality_;
    // Shared with the VMs, which may live longer.
    std::shared_ptr<rm::ResourceManager> manager_;
    std::shared_ptr<GuestMemories> memories_;
    std::shared_ptr<Client> client_;
};

Reply DeviceFile::ioctl(std::uint32_t request, std::uintptr_t argument) noexcept
{
    return unless_short_of_memory([&] {
        if (request == GH_CREATE_VM)
            return create_vm(argument);
        if (request == GUNYAH_CREATE_GUEST_MEM && personality_.guest_memory)
            return create_guest_memory(argument);
        if (request == GH_ANDROID_TENTATIVE_UAPI && personality_.tentative_uapi)
            return answer(0);
        return answer(ENOTTY);
    });
}

Reply DeviceFile::create_vm(std::uintptr_t argument)
{
    if (argument != 0)
        return answer(EINVAL);
    auto vm = std::make_shared<Vm>(manager_, memories_, client_, personality_);
    if (const int error = vm->create())
        return answer(error);
    return {0, 0, std::make_unique<VmFile>(std::move(vm), personality_)};
}

Reply DeviceFile::create_guest_memory(std::uintptr_t argument)
{
    gunyah_create_mem_args wanted{};
    return read_struct(*client_, argument, wanted) ? memories_->create(wanted) : answer(EFAULT);
}

}  // namespace

Machine::Machine(const DeviceOptions& options)
    : personality_(find_personality(options.personality)),
      memories_(std::make_shared<GuestMemories>())
{
    const bool translates =
        options.engine == hyp::Engine::Jit || options.engine == hyp::Engine::Lockstep;
    if (translates && hyp::jit_obstacle() != nullptr)
        throw Error(std::string("guests cannot be translated here: ") + hyp::jit_obstacle() +
                    "; use --engine interpreter or auto");
    manager_ = std::make_shared<rm::ResourceManager>(
        rm::Policy{.production = options.manner == Manner::Production,
                   .addresses_honoured = personality_.demand_paged,
                   .engine = options.engine,
                   .strict_code = options.strict_code,
                   .profiler = options.profiler,
                   .debugger = options.debugger});
}

Machine::~Machine() = default;

std::unique_ptr<File> Machine::open(std::shared_ptr<Client> client) const
{
    return std::make_unique<DeviceFile>(personality_, manager_, memories_, std::move(client));
}

std::unique_ptr<File> open_emulated_device(const DeviceOptions& options)
{
    return Machine(options).open(make_in_process_client());
}

}  // namespace gh::driver
