// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/mapping.h"
#include "emulator/hyp/vm.h"
#include "gunyah/file.h"
#include "gunyah/uapi.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace gh::driver {

class Vm;

/// A vCPU function: the run page, and the state between two VCPU_RUN (gunyah-uapi.md 2.7, 2.8). It
/// lives while it is bound to its VM or a file refers to it; the VM outlives it.
class Vcpu {
public:
    Vcpu(Vm& vm, std::uint32_t id);

    /// VCPU_RUN: 0 or an errno. A second thread waits for the first.
    [[nodiscard]] int run() noexcept;
    /// As a signal to the thread that runs it, or is about to.
    void interrupt() noexcept;
    void forget_interrupt() noexcept { interrupted_ = false; }
    /// REMOVE_FUNCTION: ends a run with EINTR, and waits for that; every later one is ENODEV.
    void remove() noexcept;

    [[nodiscard]] std::byte* page() const noexcept { return page_.data(); }
    [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
    [[nodiscard]] int page_fd() const noexcept { return page_fd_.get(); }

private:
    /// What the next run has to settle first.
    enum class Pending { First, Nothing, MmioRead, MmioWrite, Retry, PageFault, Down };

    int settle(hyp::Resume& resume) noexcept;
    int settle_mmio(hyp::Resume& resume) noexcept;
    int loop(hyp::Vm& hypervisor, unsigned index, hyp::Resume resume) noexcept;
    bool exits(hyp::Vm& hypervisor, unsigned index, const hyp::VcpuRunResult& result) noexcept;
    bool exits_access(const hyp::VcpuRunResult& result) noexcept;
    bool sleeps(hyp::Vm& hypervisor, unsigned index) noexcept;
    bool exits_mmio(const hyp::VcpuRunResult& result) noexcept;
    bool exits_page_fault(const hyp::VcpuRunResult& result) noexcept;
    void exit_status() noexcept;
    [[nodiscard]] bool take_interrupt() noexcept { return interrupted_.exchange(false); }
    [[nodiscard]] bool immediate_exit() const noexcept;
    void kick() noexcept;

    Vm& vm_;
    const std::uint32_t id_;
    Fd page_fd_;
    Mapping page_;
    gunyah::gh_vcpu_run& shared_;
    std::mutex running_;
    Pending pending_ = Pending::First;
    std::size_t mmio_size_ = 0;
    std::atomic<bool> interrupted_{false};
    std::atomic<bool> removed_{false};
};

/// A descriptor of a vCPU: holds the vCPU and the VM.
[[nodiscard]] std::unique_ptr<gunyah::File> make_vcpu_file(std::shared_ptr<Vm> vm,
                                                           std::shared_ptr<Vcpu> vcpu);

}  // namespace gh::driver
