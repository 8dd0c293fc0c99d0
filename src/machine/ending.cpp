// SPDX-License-Identifier: BSD-3-Clause
#include "machine/ending.h"

#include "base/error.h"

#include <utility>

namespace gh::machine {

void Ending::request(Outcome outcome) noexcept
{
    const std::scoped_lock lock(mutex_);
    if (requested_.exchange(true))
        return;
    outcome_ = std::move(outcome);
    event_.signal();
}

void Ending::fail(std::exception_ptr failure) noexcept
{
    const std::scoped_lock lock(mutex_);
    if (requested_.exchange(true))
        return;
    failure_ = std::move(failure);
    event_.signal();
}

bool Ending::failed() const
{
    const std::scoped_lock lock(mutex_);
    return failure_ != nullptr;
}

Outcome Ending::outcome() const
{
    const std::scoped_lock lock(mutex_);
    if (failure_)
        std::rethrow_exception(failure_);
    GH_CHECK(outcome_.has_value());
    return *outcome_;
}

}  // namespace gh::machine
