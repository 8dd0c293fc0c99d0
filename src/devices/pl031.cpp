// SPDX-License-Identifier: BSD-3-Clause
#include "devices/pl031.h"

#include "devices/prime_cell.h"

namespace gh {
namespace {

constexpr PrimeCellId kId(0x031, 0);

}  // namespace

std::uint32_t Pl031::host_seconds() const noexcept
{
    return static_cast<std::uint32_t>(
        std::chrono::floor<std::chrono::seconds>(timer_.now()).count());
}

std::uint64_t Pl031::read(MmioAccess access) noexcept
{
    switch (access.offset) {
    case RTCDR: return host_seconds() + offset_;
    case RTCMR: return match_;
    case RTCLR: return load_;
    case RTCCR: return 1;
    case RTCIMSC: return enabled_ ? 1 : 0;
    case RTCRIS: return raw_ ? 1 : 0;
    case RTCMIS: return raw_ && enabled_ ? 1 : 0;
    default: return kId.at(access.offset);
    }
}

void Pl031::write(MmioAccess access, std::uint64_t value) noexcept
{
    switch (access.offset) {
    case RTCMR: match_ = static_cast<std::uint32_t>(value); return set_alarm();
    case RTCLR:
        load_ = static_cast<std::uint32_t>(value);
        offset_ = load_ - host_seconds();
        return alarm_set_ ? set_alarm() : void();
    case RTCIMSC:
        enabled_ = (value & 1) != 0;
        if (enabled_ && raw_)
            irq_.pulse();
        return;
    case RTCICR:
        if ((value & 1) != 0)
            raw_ = false;
        return;
    default: return;
    }
}

// The counter is compared for equality, so a match that is past comes when 32 bits have gone round.
void Pl031::set_alarm() noexcept
{
    const std::uint32_t now = host_seconds();
    const std::uint32_t left = match_ - (now + offset_);
    alarm_ = std::chrono::floor<std::chrono::seconds>(timer_.now()) + std::chrono::seconds(left);
    alarm_set_ = true;
    timer_.set(alarm_);
}

void Pl031::expired() noexcept
{
    if (!alarm_set_ || timer_.now() < alarm_)
        return;  // set anew meanwhile
    alarm_set_ = false;
    raw_ = true;
    if (enabled_)
        irq_.pulse();
}

}  // namespace gh
