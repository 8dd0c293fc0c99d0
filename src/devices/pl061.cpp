// SPDX-License-Identifier: BSD-3-Clause
#include "devices/pl061.h"

#include "devices/prime_cell.h"

namespace gh {
namespace {

constexpr PrimeCellId kId(0x061, 0);

std::uint8_t byte(unsigned value)
{
    return static_cast<std::uint8_t>(value);
}

std::uint8_t mask_of(std::uint64_t offset)
{
    return static_cast<std::uint8_t>(offset >> 2);
}

}  // namespace

std::uint8_t Pl061::levels() const noexcept
{
    return byte((outputs_ & direction_) | (inputs_ & ~direction_));
}

std::uint8_t Pl061::raw() const noexcept
{
    const unsigned active = ~(levels() ^ event_);
    return byte((edges_ & ~level_sense_) | (active & level_sense_));
}

std::uint64_t Pl061::read(MmioAccess access) noexcept
{
    if (access.offset <= GPIODATA_LAST)
        return levels() & mask_of(access.offset);
    switch (access.offset) {
    case GPIODIR: return direction_;
    case GPIOIS: return level_sense_;
    case GPIOIBE: return both_edges_;
    case GPIOIEV: return event_;
    case GPIOIE: return enabled_;
    case GPIORIS: return raw();
    case GPIOMIS: return raw() & enabled_;
    case GPIOAFSEL: return function_;
    default: return kId.at(access.offset);
    }
}

void Pl061::write(MmioAccess access, std::uint64_t value) noexcept
{
    const std::uint8_t before = levels();
    write_register(access.offset, static_cast<std::uint8_t>(value));
    note_edges(before);
    if ((raw() & enabled_) != 0)
        irq_.pulse();
}

void Pl061::write_register(std::uint64_t offset, std::uint8_t value) noexcept
{
    if (offset <= GPIODATA_LAST) {
        const std::uint8_t mask = mask_of(offset);
        outputs_ = byte((outputs_ & ~mask) | (value & mask));
        return;
    }
    switch (offset) {
    case GPIODIR: direction_ = value; return;
    case GPIOIS: level_sense_ = value; return;
    case GPIOIBE: both_edges_ = value; return;
    case GPIOIEV: event_ = value; return;
    case GPIOIE: enabled_ = value; return;
    case GPIOIC: edges_ = byte(edges_ & ~value); return;
    case GPIOAFSEL: function_ = value; return;
    default: return;
    }
}

void Pl061::note_edges(std::uint8_t before) noexcept
{
    const unsigned after = levels();
    const unsigned changed = before ^ after;
    const unsigned wanted = both_edges_ | ~(after ^ event_);
    edges_ = byte(edges_ | (changed & wanted & ~level_sense_));
}

void Pl061::drive(unsigned line, bool level) noexcept
{
    const std::uint8_t before = levels();
    const std::uint8_t interrupting = raw() & enabled_;
    inputs_ = byte((inputs_ & ~(1u << line)) | (level ? 1u << line : 0));
    note_edges(before);
    if ((raw() & enabled_ & ~interrupting) != 0)
        irq_.pulse();
}

}  // namespace gh
