// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/debugger.h"

#include "base/bits.h"
#include "base/error.h"
#include "emulator/cpu/cluster.h"
#include "emulator/cpu/mmu.h"
#include "emulator/hyp/address_space.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gh::hyp {

unsigned Debugger::vcpus() const noexcept
{
    const std::scoped_lock lock(mutex_);
    return static_cast<unsigned>(seats_.size());
}

bool Debugger::ended() const noexcept
{
    const std::scoped_lock lock(mutex_);
    return ended_;
}

bool Debugger::all_stand() const noexcept
{
    return stopping_.load() &&
           std::none_of(seats_.begin(), seats_.end(), [](const Seat& seat) { return seat.inside; });
}

void Debugger::call_out() noexcept
{
    stopping_.store(true);
    for (const Seat& seat : seats_)
        seat.pe->kick();
}

void Debugger::stop() noexcept
{
    std::unique_lock lock(mutex_);
    if (seats_.empty())
        return;
    call_out();
    changed_.wait(lock, [this] { return all_stand() || seats_.empty(); });
    if (!stop_)
        stop_ = Stop{};
}

std::optional<Debugger::Stop> Debugger::stopped() const noexcept
{
    const std::scoped_lock lock(mutex_);
    return !seats_.empty() && all_stand() ? stop_ : std::nullopt;
}

void Debugger::resume(std::span<const Order> orders) noexcept
{
    const std::scoped_lock lock(mutex_);
    if (seats_.empty() || !all_stand() || orders.size() != seats_.size())
        return;
    for (std::size_t n = 0; n < seats_.size(); ++n) {
        seats_[n].order = orders[n];
        seats_[n].step_begun = false;
        seats_[n].pe->cancel_step();
    }
    stop_.reset();
    stopping_.store(false);
    changed_.notify_all();
}

bool Debugger::set_stop_points(const cpu::StopPoints& points) noexcept
{
    const std::scoped_lock lock(mutex_);
    if (!all_stand())
        return false;
    points_ = points;
    for (const Seat& seat : seats_)
        seat.pe->set_stop_points(points_);
    return true;
}

bool Debugger::with(unsigned vcpu, const std::function<void(cpu::Cpu&)>& body) noexcept
{
    const std::scoped_lock lock(mutex_);
    if (vcpu >= seats_.size() || !all_stand())
        return false;
    body(*seats_[vcpu].pe);
    return true;
}

namespace {

/// Where in the guest's memory `va` lies. On a copy of the state: nobody may see that we looked.
std::optional<std::uint64_t> translate(cpu::State state, cpu::Platform& platform, std::uint64_t va)
{
    state.pan = false;
    for (const bool privileged : {true, false}) {
        const auto result =
            cpu::Mmu(state, platform).translate(va, cpu::AccessKind::Read, privileged);
        if (const auto* const found = std::get_if<cpu::Translation>(&result))
            return found->ipa;
    }
    return std::nullopt;
}

}  // namespace

/// `copy(host, offset, size)` for the part of the range in each page, as far as there are any.
template <class Copy>
std::size_t Debugger::for_each_page(unsigned vcpu, std::uint64_t va, std::size_t size, bool write,
                                    Copy copy) noexcept
{
    const std::scoped_lock lock(mutex_);
    if (vcpu >= seats_.size() || !all_stand())
        return 0;
    const auto map = vm_.memory->hold();
    std::size_t done = 0;
    while (done < size) {
        const std::uint64_t at = va + done;
        const auto part = std::min<std::size_t>(size - done, cpu::kPageSize - at % cpu::kPageSize);
        const auto ipa = translate(seats_[vcpu].pe->state(), *vm_.platform, at);
        const cpu::Page page = ipa ? vm_.platform->page(*ipa & cpu::kPageMask) : cpu::Page{};
        if (page.host == nullptr || (write && !page.writable))
            break;
        copy(page.host + *ipa % cpu::kPageSize, done, part);
        done += part;
    }
    return done;
}

std::size_t Debugger::read_memory(unsigned vcpu, std::uint64_t va, std::span<std::byte> to) noexcept
{
    return for_each_page(vcpu, va, to.size(), false,
                         [to](const std::byte* host, std::size_t at, std::size_t size) {
                             std::memcpy(to.data() + at, host, size);
                         });
}

std::size_t Debugger::write_memory(unsigned vcpu, std::uint64_t va,
                                   std::span<const std::byte> from) noexcept
{
    const std::size_t done = for_each_page(
        vcpu, va, from.size(), true, [from](std::byte* host, std::size_t at, std::size_t size) {
            std::memcpy(host, from.data() + at, size);
        });
    const std::scoped_lock lock(mutex_);
    if (done != 0 && vm_.cluster != nullptr)
        vm_.cluster->flush_stage2();  // and with it the code that was decoded
    return done;
}

void Debugger::attach(Vm vm)
{
    const std::scoped_lock lock(mutex_);
    GH_CHECK(seats_.empty());
    vm_ = std::move(vm);
    ended_ = false;
    for (cpu::Cpu* const pe : vm_.pes) {
        seats_.push_back({.pe = pe});
        pe->set_stop_points(points_);
    }
    if (stopping_)
        stop_ = Stop{};
    event_.signal();
}

void Debugger::detach() noexcept
{
    const std::scoped_lock lock(mutex_);
    seats_.clear();
    vm_ = {};
    stop_.reset();
    event_.signal();
    changed_.notify_all();
}

void Debugger::end() noexcept
{
    {
        const std::scoped_lock lock(mutex_);
        ended_ = true;
    }
    event_.signal();
    changed_.notify_all();
}

bool Debugger::enter(unsigned vcpu, const std::function<bool()>& disturbed) noexcept
{
    std::unique_lock lock(mutex_);
    Seat& seat = seats_[vcpu];
    const auto may_go = [&] { return !stopping_.load() && seat.order != Order::Stay; };
    changed_.wait(lock, [&] { return disturbed() || may_go(); });
    if (disturbed())
        return false;
    seat.inside = true;
    if (seat.order == Order::Step && !std::exchange(seat.step_begun, true))
        seat.pe->step_once();
    return true;
}

void Debugger::leave(unsigned vcpu, const std::optional<cpu::DebugStop>& why) noexcept
{
    const std::scoped_lock lock(mutex_);
    seats_[vcpu].inside = false;
    if (why) {
        if (!stop_)
            stop_ = Stop{vcpu, *why};
        call_out();
    }
    if (all_stand()) {
        event_.signal();
        changed_.notify_all();
    }
}

void Debugger::look_again() noexcept
{
    {
        const std::scoped_lock lock(mutex_);
    }
    changed_.notify_all();
}

}  // namespace gh::hyp
