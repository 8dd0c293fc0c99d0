// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/device.h"

#include "base/error.h"
#include "emulator/driver/vm.h"

#include <cerrno>
#include <utility>

namespace gh::driver {

using namespace gunyah;

namespace {

Reply answer(int error)
{
    return {error, 0, nullptr};
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
    int android_ioctl(std::uint32_t request, std::uintptr_t argument);

    std::shared_ptr<Vm> vm_;
    const Personality& personality_;
};

Reply VmFile::ioctl(std::uint32_t request, std::uintptr_t argument) noexcept
{
    switch (request) {
    case GH_VM_SET_USER_MEM_REGION: return answer(vm_->set_user_memory(argument, false));
    case GH_VM_SET_DTB_CONFIG: return answer(vm_->set_dtb(argument));
    case GH_VM_START: return answer(vm_->start());
    case GH_VM_ADD_FUNCTION: return add_function(argument);
    case GH_VM_REMOVE_FUNCTION: return answer(vm_->remove_function(argument));
    case GUNYAH_VM_SET_BOOT_CONTEXT: return answer(vm_->set_boot_context(argument));
    default: return answer(android_ioctl(request, argument));
    }
}

int VmFile::android_ioctl(std::uint32_t request, std::uintptr_t argument)
{
    if (request == GH_VM_ANDROID_LEND_USER_MEM)
        return vm_->set_user_memory(argument, true);
    if (request == GH_VM_ANDROID_SET_FW_CONFIG)
        return vm_->set_firmware(argument);
    if (request == GUNYAH_VM_RECLAIM_REGION && personality_.reclaim_region)
        return vm_->reclaim_region(argument);
    if (request == GUNYAH_VM_MAP_CMA_MEM && personality_.map_cma_mem)
        return vm_->map_cma(argument);
    if (request == GUNYAH_VM_SET_AUTH_TYPE && personality_.set_auth_type)
        return vm_->set_auth_type(argument);
    return ENOTTY;
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
               std::shared_ptr<Client> client)
        : personality_(personality), manager_(std::move(manager)), client_(std::move(client))
    {
    }

    Reply ioctl(std::uint32_t request, std::uintptr_t argument) noexcept override
    {
        if (request != GH_CREATE_VM)
            return answer(ENOTTY);
        if (argument != 0)
            return answer(EINVAL);
        auto vm = std::make_shared<Vm>(manager_, client_, personality_);
        return {0, 0, std::make_unique<VmFile>(std::move(vm), personality_)};
    }
    std::byte* map_run_page(std::size_t) override { throw Error("mmap of /dev/gunyah: ENODEV"); }
    void interrupt() noexcept override {}

private:
    const Personality& personality_;
    std::shared_ptr<rm::ResourceManager> manager_;  // shared with the VMs, which may live longer
    std::shared_ptr<Client> client_;                // likewise
};

}  // namespace

Machine::Machine(const DeviceOptions& options) : personality_(find_personality(options.personality))
{
    const bool translates =
        options.engine == hyp::Engine::Jit || options.engine == hyp::Engine::Lockstep;
    if (translates && hyp::jit_obstacle() != nullptr)
        throw Error(std::string("guests cannot be translated here: ") + hyp::jit_obstacle() +
                    "; use --engine interpreter or auto");
    manager_ = std::make_shared<rm::ResourceManager>(
        rm::Policy{.production = options.manner == Manner::Production,
                   .engine = options.engine,
                   .strict_code = options.strict_code,
                   .profiler = options.profiler});
}

Machine::~Machine() = default;

std::unique_ptr<File> Machine::open(std::shared_ptr<Client> client) const
{
    return std::make_unique<DeviceFile>(personality_, manager_, std::move(client));
}

std::unique_ptr<File> open_emulated_device(const DeviceOptions& options)
{
    return Machine(options).open(make_in_process_client());
}

}  // namespace gh::driver
