// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/power.h"

#include <algorithm>

namespace gh::hyp {

namespace {

constexpr std::uint64_t kAffinityBits = 0xff'00ff'ffff;

}  // namespace

Power::Power(const std::vector<VcpuConfig>& vcpus, std::function<void(unsigned)> wake,
             std::function<void(const VmExit&)> on_exit)
    : vcpus_(vcpus.size()), wake_(std::move(wake)), on_exit_(std::move(on_exit))
{
    for (std::size_t i = 0; i < vcpus.size(); ++i) {
        vcpus_[i].affinity = vcpus[i].mpidr & kAffinityBits;
        vcpus_[i].on = vcpus[i].boots;
    }
}

std::optional<unsigned> Power::find(std::uint64_t mpidr) const noexcept
{
    for (unsigned i = 0; i < vcpus_.size(); ++i)
        if (vcpus_[i].affinity == (mpidr & kAffinityBits))
            return i;
    return std::nullopt;
}

bool Power::turn_on(unsigned vcpu, const Start& start) noexcept
{
    {
        const std::scoped_lock lock(mutex_);
        Vcpu& it = vcpus_[vcpu];
        if (it.on.load())
            return false;
        it.start = start;
        it.starting.store(true);
        it.on.store(true);
    }
    wake_(vcpu);
    return true;
}

bool Power::turn_off(unsigned vcpu, bool even_last) noexcept
{
    const std::scoped_lock lock(mutex_);
    const auto is_on = [](const Vcpu& it) { return it.on.load(); };
    if (!even_last && std::count_if(vcpus_.begin(), vcpus_.end(), is_on) == 1)
        return false;
    vcpus_[vcpu].on.store(false);
    return true;
}

std::optional<Start> Power::take_start(unsigned vcpu) noexcept
{
    Vcpu& it = vcpus_[vcpu];
    if (!it.starting.load(std::memory_order_relaxed))
        return std::nullopt;
    const std::scoped_lock lock(mutex_);
    it.starting.store(false);
    return it.start;
}

void Power::end(const VmExit& exit) noexcept
{
    if (ending_.exchange(true)) {
        ended_.wait(false);
        return;
    }
    if (on_exit_)
        on_exit_(exit);
    ended_.store(true, std::memory_order_release);
    ended_.notify_all();
    for (unsigned i = 0; i < vcpus_.size(); ++i)
        wake_(i);
}

}  // namespace gh::hyp
