// SPDX-License-Identifier: BSD-3-Clause
#include "devices/sp805.h"

#include "devices/prime_cell.h"

namespace gh {
namespace {

constexpr PrimeCellId kId(0x805, 1);
constexpr std::uint32_t kIntEn = 1, kResEn = 2;  // WDOGCONTROL
constexpr std::uint32_t kUnlock = 0x1acc'e551;

// 24 ticks are a microsecond, exactly.
constexpr std::uint64_t kTicks = Sp805::kClock / 1'000'000;

}  // namespace

DeviceTimer::Time Sp805::now() const noexcept
{
    return held_.value_or(timer_.now());
}

bool Sp805::counts() const noexcept
{
    return (control_ & kIntEn) != 0;
}

bool Sp805::resets() const noexcept
{
    return (control_ & kResEn) != 0;
}

std::uint64_t Sp805::ticks_gone() const noexcept
{
    return static_cast<std::uint64_t>((now() - begun_).count()) * kTicks / 1000;
}

std::uint32_t Sp805::value() const noexcept
{
    if (!counts())
        return load_;
    return static_cast<std::uint32_t>(load_ - ticks_gone() % (std::uint64_t{load_} + 1));
}

std::uint64_t Sp805::read(MmioAccess access) noexcept
{
    switch (access.offset) {
    case WDOGLOAD: return load_;
    case WDOGVALUE: return value();
    case WDOGCONTROL: return control_;
    case WDOGRIS: return raw_ ? 1 : 0;
    case WDOGMIS: return raw_ && counts() ? 1 : 0;
    case WDOGLOCK: return locked_ ? 1 : 0;
    default: return kId.at(access.offset);
    }
}

void Sp805::write(MmioAccess access, std::uint64_t value) noexcept
{
    const auto word = static_cast<std::uint32_t>(value);
    if (access.offset == WDOGLOCK) {
        locked_ = word != kUnlock;
        return;
    }
    if (locked_)
        return;
    switch (access.offset) {
    case WDOGLOAD: load_ = word; return restart();
    case WDOGCONTROL: return write_control(word & (kIntEn | kResEn));
    case WDOGINTCLR: raw_ = false; return restart();
    default: return;
    }
}

// Enabling begins at WDOGLOAD again; what else changes lets the counter go on.
void Sp805::write_control(std::uint32_t value) noexcept
{
    const bool enabled = (value & ~control_ & kIntEn) != 0;
    control_ = value;
    enabled ? restart() : await_zero();
}

void Sp805::restart() noexcept
{
    begun_ = now();
    await_zero();
}

// Without a reset to come a second zero means nothing, so a counter of a few ticks wakes nobody
// again and again.
void Sp805::await_zero() noexcept
{
    if (!counts() || held_ || (raw_ && !resets()))
        return timer_.clear();
    const std::uint64_t period = std::uint64_t{load_} + 1;
    const std::uint64_t ticks = (ticks_gone() / period + 1) * period;
    deadline_ = begun_ + DeviceTimer::Time((ticks * 1000 + kTicks - 1) / kTicks);
    timer_.set(deadline_);
}

void Sp805::expired() noexcept
{
    if (!counts() || held_ || now() < deadline_)
        return;  // changed meanwhile
    if (!raw_) {
        raw_ = true;
        irq_.pulse();
        return await_zero();
    }
    if (resets() && !bitten_) {
        bitten_ = true;
        bite_();
    }
}

void Sp805::hold() noexcept
{
    held_ = now();
    timer_.clear();
}

void Sp805::go_on() noexcept
{
    if (!held_)
        return;
    begun_ += timer_.now() - *held_;
    held_.reset();
    await_zero();
}

}  // namespace gh
