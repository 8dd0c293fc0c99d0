// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/vcpu.h"

#include "base/error.h"
#include "base/log.h"
#include "emulator/driver/memory_map.h"
#include "emulator/driver/vm.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <sys/mman.h>

namespace gh::driver {

using namespace gunyah;

Vcpu::Vcpu(Vm& vm, std::uint32_t id)
    : vm_(vm),
      id_(id),
      page_fd_(make_sealed_memfd("gh-vcpu:" + std::to_string(id), page_size())),
      page_("mmap of a vCPU's run page", page_size(), PROT_READ | PROT_WRITE, MAP_SHARED,
            page_fd_.get()),
      shared_(*new (page_.data()) gh_vcpu_run{})
{
}

int Vcpu::run() noexcept
{
    if (removed_)
        return ENODEV;
    const std::scoped_lock lock(running_);
    const auto target = vm_.vcpu_target(id_);  // waits for a START under way
    if (removed_ || !target)
        return ENODEV;
    hyp::Resume resume;
    if (const int error = settle(resume))
        return error;
    if (pending_ == Pending::Down)
        return 0;
    if (vm_.personality().run_owner && !vm_.client().is_caller())
        return EPERM;
    const int error = loop(*target->hypervisor, target->index, resume);
    // A signal wins over an exit, which stays pending: the next run settles it with what the page
    // holds then.
    return take_interrupt() ? EINTR : error;
}

int Vcpu::settle(hyp::Resume& resume) noexcept
{
    switch (pending_) {
    case Pending::First:
        if (vm_.status() != rm::VmState::Running)
            exit_status();
        else
            pending_ = Pending::Nothing;
        return 0;
    case Pending::MmioRead:
    case Pending::MmioWrite: return settle_mmio(resume);
    case Pending::PageFault: pending_ = Pending::Nothing; return 0;  // byte 37 is not looked at
    case Pending::Nothing:
    case Pending::Retry:
    case Pending::Down: return 0;
    }
    return 0;
}

int Vcpu::settle_mmio(hyp::Resume& resume) noexcept
{
    const Personality& personality = vm_.personality();
    const std::uint8_t action =
        personality.resume_action ? shared_.mmio.resume_action : GUNYAH_VCPU_RESUME_HANDLED;
    if (action == GUNYAH_VCPU_RESUME_HANDLED) {
        if (pending_ == Pending::MmioRead)
            std::memcpy(&resume.value, shared_.mmio.data.data(), mmio_size_);
    } else if (action == GUNYAH_VCPU_RESUME_FAULT) {
        resume.action = hyp::Resume::Action::Fault;
    } else if (action == GUNYAH_VCPU_RESUME_RETRY && personality.resume_retry) {
        resume.action = hyp::Resume::Action::Retry;
    } else {
        return EINVAL;
    }
    pending_ = Pending::Nothing;
    return 0;
}

bool Vcpu::immediate_exit() const noexcept
{
    return std::atomic_ref(shared_.immediate_exit).load(std::memory_order_relaxed) != 0;
}

/// If it returns EINTR before the hypervisor has seen `resume`, what it carried is lost: a pending
/// read completes with 0, as on the real thing (golden: run.imm.mmioread).
int Vcpu::loop(hyp::Vm& hypervisor, unsigned index, hyp::Resume resume) noexcept
{
    for (;;) {
        if (immediate_exit() || interrupted_ || removed_)
            return EINTR;
        if (hypervisor.schedules())
            return EBUSY;
        if (pending_ == Pending::Retry) {
            resume.action = hyp::Resume::Action::Retry;
            pending_ = Pending::Nothing;
        }
        const auto result = hypervisor.run(index, std::exchange(resume, {}));
        if (exits(hypervisor, index, result))
            return 0;
    }
}

bool Vcpu::exits(hyp::Vm& hypervisor, unsigned index, const hyp::VcpuRunResult& result) noexcept
{
    switch (result.state) {
    case hyp::VcpuState::Ready:
    case hyp::VcpuState::Blocked: return false;
    case hyp::VcpuState::ExpectsWakeup:
    case hyp::VcpuState::PoweredOff:
    case hyp::VcpuState::SystemReset:
    case hyp::VcpuState::Fault: return sleeps(hypervisor, index);
    case hyp::VcpuState::VmmioRead:
    case hyp::VcpuState::VmmioWrite: return exits_access(result);
    case hyp::VcpuState::PageFault:
        // To generations before, an unknown state: they go on.
        return vm_.personality().page_faults && exits_page_fault(result);
    }
    return false;
}

/// True when the VM has ended.
bool Vcpu::sleeps(hyp::Vm& hypervisor, unsigned index) noexcept
{
    if (vm_.status() == rm::VmState::Running && !immediate_exit() && !interrupted_ && !removed_)
        hypervisor.wait_for_wakeup(index);
    if (vm_.status() == rm::VmState::Running)
        return false;
    exit_status();
    return true;
}

/// Memory comes before devices: what is shared and not there yet looks like one.
bool Vcpu::exits_access(const hyp::VcpuRunResult& result) noexcept
{
    const auto access = result.state == hyp::VcpuState::VmmioWrite ? hyp::FaultAccess::Write
                                                                   : hyp::FaultAccess::Read;
    if (vm_.personality().demand_paged) {
        const int error = vm_.page_in(Gpa{result.data[0]}, access);
        if (error == EINTR)
            interrupted_ = true;
        if (error == 0 || error == EINTR) {
            pending_ = Pending::Retry;
            return false;
        }
    }
    return exits_mmio(result);
}

/// False when an ioeventfd took the store.
bool Vcpu::exits_mmio(const hyp::VcpuRunResult& result) noexcept
{
    const auto [address, size, value] = result.data;
    const bool write = result.state == hyp::VcpuState::VmmioWrite;
    if (write && vm_.ioeventfds().store(address, size, value))
        return false;
    mmio_size_ = std::min<std::size_t>(size, shared_.mmio.data.size());
    shared_.exit_reason = GH_VCPU_EXIT_MMIO;
    shared_.mmio.phys_addr = address;
    shared_.mmio.len = static_cast<std::uint32_t>(size);
    shared_.mmio.is_write = write;
    if (vm_.personality().resume_action)
        shared_.mmio.resume_action = GUNYAH_VCPU_RESUME_HANDLED;
    if (write)  // bytes beyond the length keep what they held (golden 01.1)
        std::memcpy(shared_.mmio.data.data(), &value, mmio_size_);
    pending_ = write ? Pending::MmioWrite : Pending::MmioRead;
    return true;
}

/// False when the page is there now, or what another vCPU did may have helped.
bool Vcpu::exits_page_fault(const hyp::VcpuRunResult& result) noexcept
{
    const int error =
        vm_.page_in(Gpa{result.data[0]}, static_cast<hyp::FaultAccess>(result.data[1]));
    if (error == EINTR)  // before the page came; the access will be tried again
        interrupted_ = true;
    if (error == 0 || error == EINTR)
        return false;
    shared_.exit_reason = GH_VCPU_EXIT_PAGE_FAULT;
    shared_.page_fault.phys_addr = result.data[0];
    shared_.page_fault.attempt = -error;
    shared_.page_fault.resume_action = GUNYAH_VCPU_RESUME_FAULT;
    pending_ = Pending::PageFault;
    return true;
}

void Vcpu::exit_status() noexcept
{
    const rm::VmState status = vm_.status();
    shared_.exit_reason = GH_VCPU_EXIT_STATUS;
    shared_.status.status = status == rm::VmState::InitFailed ? GH_VM_STATUS_LOAD_FAILED
                            : status == rm::VmState::Exited   ? GH_VM_STATUS_EXITED
                                                              : GH_VM_STATUS_CRASHED;
    const hyp::VmExit exit = vm_.exit();
    shared_.status.exit_info.type = exit.type;
    shared_.status.exit_info.reason_size = exit.reason_size;
    std::memcpy(shared_.status.exit_info.reason.data(), exit.reason.data(),
                shared_.status.exit_info.reason.size());
    pending_ = Pending::Down;
}

void Vcpu::kick() noexcept
{
    if (const auto target = vm_.running_vcpu(id_))
        target->hypervisor->kick(target->index);
}

void Vcpu::interrupt() noexcept
{
    interrupted_ = true;
    kick();
}

void Vcpu::remove() noexcept
{
    removed_ = true;
    std::atomic_ref(shared_.immediate_exit).store(1, std::memory_order_relaxed);
    kick();
    const std::scoped_lock wait(running_);
}

namespace {

class VcpuFile final : public File {
public:
    VcpuFile(std::shared_ptr<Vm> vm, std::shared_ptr<Vcpu> vcpu)
        : vm_(std::move(vm)), vcpu_(std::move(vcpu))
    {
    }

    Reply ioctl(std::uint32_t request, std::uintptr_t) noexcept override
    {
        switch (request) {
        case GH_VCPU_RUN: return {vcpu_->run(), 0, nullptr};
        case GH_VCPU_MMAP_SIZE: return {0, static_cast<long>(page_size()), nullptr};
        default: return {vm_->personality().unknown_vcpu_request, 0, nullptr};
        }
    }

    std::byte* map_run_page(std::size_t size) override
    {
        if (size == 0 || size > page_size())
            throw Error("a vCPU's run page is " + std::to_string(page_size()) + " bytes, not " +
                        std::to_string(size));
        return vcpu_->page();
    }

    void interrupt() noexcept override { vcpu_->interrupt(); }
    void forget_interrupt() noexcept override { vcpu_->forget_interrupt(); }
    void abandon() noexcept override { vm_->forget_vcpu(vcpu_->id()); }
    [[nodiscard]] int memory_fd() const noexcept override { return vcpu_->page_fd(); }

private:
    std::shared_ptr<Vm> vm_;  // before vcpu_, which refers to it
    std::shared_ptr<Vcpu> vcpu_;
};

}  // namespace

std::unique_ptr<File> make_vcpu_file(std::shared_ptr<Vm> vm, std::shared_ptr<Vcpu> vcpu)
{
    return std::make_unique<VcpuFile>(std::move(vm), std::move(vcpu));
}

}  // namespace gh::driver
