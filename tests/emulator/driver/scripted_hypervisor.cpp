// SPDX-License-Identifier: BSD-3-Clause
#include "scripted_hypervisor.h"

#include "base/error.h"

#include <algorithm>
#include <chrono>

namespace gh::test {

Hypervisor& hypervisor()
{
    static Hypervisor instance;
    return instance;
}

void Hypervisor::reset()
{
    const std::scoped_lock lock(mutex);
    steps = {};
    kicked = {};
    config = {};
    resumes.clear();
    sends.clear();
    masks.clear();
    at_begin = nullptr;
    begun = false;
    ram.clear();
    stopped = false;
    over = false;
}

const hyp::RamRange* Hypervisor::range_at(std::uint64_t at)
{
    for (const hyp::RamRange& range : ram)
        if (at - raw(range.at) < range.host.size())
            return &range;
    return nullptr;
}

std::byte* Hypervisor::find(std::uint64_t at)
{
    const hyp::RamRange* const range = range_at(at);
    return range != nullptr ? range->host.data() + (at - raw(range->at)) : nullptr;
}

void Hypervisor::release(std::uint64_t at, std::uint64_t size)
{
    const std::scoped_lock lock(mutex);
    std::vector<hyp::RamRange> left;
    for (hyp::RamRange range : ram) {
        const std::uint64_t begin = raw(range.at);
        const std::uint64_t end = begin + range.host.size();
        const std::uint64_t first = std::clamp(at, begin, end);
        const std::uint64_t last = std::clamp(at + size, first, end);
        const auto host = range.host;
        range.host = host.first(first - begin);
        if (!range.host.empty())
            left.push_back(range);
        range.at = Gpa{last};
        range.host = host.last(end - last);
        if (!range.host.empty())
            left.push_back(range);
    }
    ram = std::move(left);
}

void Hypervisor::end(std::uint16_t type)
{
    std::function<void(const hyp::VmExit&)> tell;
    {
        const std::scoped_lock lock(mutex);
        if (!over)
            tell = config.on_exit;
        over = true;
    }
    if (tell)
        tell({.type = type, .reason_size = 4, .reason = {}});
    changed.notify_all();
}

bool Hypervisor::wait_for_sends(std::size_t count)
{
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(2), [&] { return sends.size() >= count; });
}

}  // namespace gh::test

namespace gh::hyp {

using test::hypervisor;

struct Vm::Parts {};

Vm::Vm(VmConfig config)
{
    const std::scoped_lock lock(hypervisor().mutex);
    hypervisor().ram = config.ram;
    hypervisor().config = std::move(config);
    hypervisor().over = false;
    ++hypervisor().vms;
}

Vm::~Vm()
{
    const std::scoped_lock lock(hypervisor().mutex);
    --hypervisor().vms;
}

void Vm::begin() noexcept
{
    hypervisor().begun = true;
    if (hypervisor().at_begin)
        hypervisor().at_begin();
}

bool Vm::schedules() const noexcept
{
    return !hypervisor().config.proxy;
}

VcpuRunResult Vm::run(unsigned vcpu, const Resume& resume) noexcept
{
    auto& h = hypervisor();
    std::unique_lock lock(h.mutex);
    h.resumes.push_back(resume);
    if (h.steps[vcpu].empty())
        h.changed.wait(lock, [&] { return h.kicked[vcpu] || h.over; });
    h.kicked[vcpu] = false;
    if (h.over)
        return {VcpuState::PoweredOff, {1}};
    if (h.steps[vcpu].empty())
        return {};
    const auto step = std::move(h.steps[vcpu].front());
    h.steps[vcpu].pop_front();
    lock.unlock();
    return step();
}

void Vm::wait_for_wakeup(unsigned vcpu) noexcept
{
    auto& h = hypervisor();
    std::unique_lock lock(h.mutex);
    h.changed.wait(lock, [&] { return h.kicked[vcpu] || h.over; });
    h.kicked[vcpu] = false;
}

void Vm::kick(unsigned vcpu) noexcept
{
    const std::scoped_lock lock(hypervisor().mutex);
    hypervisor().kicked[vcpu] = true;
    hypervisor().changed.notify_all();
}

void Vm::stop() noexcept
{
    hypervisor().stopped = true;
    hypervisor().end(7);
}

bool Vm::exited() const noexcept
{
    const std::scoped_lock lock(hypervisor().mutex);
    return hypervisor().over;
}

void Vm::map(const RamRange& range)
{
    const std::scoped_lock lock(hypervisor().mutex);
    for (std::uint64_t page = 0; page < range.host.size(); page += 0x1000)
        GH_CHECK(hypervisor().find(raw(range.at) + page) == nullptr);
    hypervisor().ram.push_back(range);
}

void Vm::unmap(MemoryRange range)
{
    hypervisor().release(raw(range.at), range.size);
}

bool Vm::has_any(MemoryRange range) const
{
    const std::scoped_lock lock(hypervisor().mutex);
    return std::any_of(hypervisor().ram.begin(), hypervisor().ram.end(), [&](const RamRange& one) {
        return raw(one.at) <= raw(range.at) + (range.size - 1) &&
               raw(range.at) <= raw(one.at) + (one.host.size() - 1);
    });
}

std::uint64_t Vm::doorbell_send(unsigned bell, std::uint64_t flags) noexcept
{
    const std::scoped_lock lock(hypervisor().mutex);
    hypervisor().sends.emplace_back(bell, flags);
    hypervisor().changed.notify_all();
    return 0;
}

std::uint64_t Vm::doorbell_receive(unsigned, std::uint64_t) noexcept
{
    return 0;
}

bool Vm::doorbell_mask(unsigned bell, std::uint64_t, std::uint64_t) noexcept
{
    const std::scoped_lock lock(hypervisor().mutex);
    hypervisor().masks.push_back(bell);
    return hypervisor().config.doorbells[bell].source_can_clear;
}

}  // namespace gh::hyp
