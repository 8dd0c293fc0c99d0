// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/hyp/doorbell.h"

#include <utility>

namespace gh::hyp {

void Doorbell::drive() noexcept
{
    if (intid_ != 0)
        gic_.set_spi(intid_, (flags_ & enable_) != 0);
}

std::uint64_t Doorbell::send(std::uint64_t flags) noexcept
{
    const std::scoped_lock lock(mutex_);
    const std::uint64_t old = std::exchange(flags_, flags_ | flags);
    if ((flags_ & enable_) != 0)
        flags_ &= ~ack_;
    if (intid_ != 0)
        gic_.ring_spi(intid_, (flags_ & enable_) != 0);
    return old;
}

std::uint64_t Doorbell::receive(std::uint64_t clear) noexcept
{
    const std::scoped_lock lock(mutex_);
    const std::uint64_t old = std::exchange(flags_, flags_ & ~clear);
    drive();
    return old;
}

void Doorbell::reset() noexcept
{
    const std::scoped_lock lock(mutex_);
    flags_ = 0;
    enable_ = ~std::uint64_t{0};
    ack_ = 0;
    drive();
}

void Doorbell::mask(std::uint64_t enable, std::uint64_t ack) noexcept
{
    const std::scoped_lock lock(mutex_);
    enable_ = enable;
    ack_ = ack;
    drive();
}

}  // namespace gh::hyp
