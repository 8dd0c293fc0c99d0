// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/ioeventfd.h"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

namespace gh::driver {
namespace {

void signal(const Fd& eventfd) noexcept
{
    const std::uint64_t one = 1;
    (void)!::write(eventfd.get(), &one, sizeof one);
}

}  // namespace

/// Generations differ in the order of these checks, which nobody can see: all are EINVAL.
int Ioeventfds::check(const gunyah::gh_fn_ioeventfd_arg& argument) const noexcept
{
    const bool matches_value = (argument.flags & gunyah::GH_IOEVENTFD_FLAGS_DATAMATCH) != 0;
    if (personality_.function_flags &&
        (argument.flags & ~gunyah::GH_IOEVENTFD_FLAGS_DATAMATCH) != 0)
        return EINVAL;
    if (personality_.ioeventfd_wrap && argument.addr + argument.len < argument.addr)
        return EINVAL;
    switch (argument.len) {
    case 1:
    case 2:
    case 4:
    case 8: return 0;
    case 0: return matches_value ? EINVAL : 0;
    default: return EINVAL;
    }
}

bool Ioeventfds::conflict(const Handler& one, const Handler& other) const noexcept
{
    if (personality_.boolean_datamatch || !one.matches_value() || !other.matches_value())
        return true;
    return one.len == other.len && one.datamatch == other.datamatch;
}

int Ioeventfds::add(const gunyah::gh_fn_ioeventfd_arg& argument, Fd eventfd)
{
    Handler added{argument.len, argument.flags, argument.datamatch, std::move(eventfd)};
    const std::unique_lock lock(mutex_);
    const auto [first, last] = handlers_.equal_range(argument.addr);
    if (std::any_of(first, last, [&](const auto& old) { return conflict(old.second, added); }))
        return EEXIST;
    handlers_.emplace(argument.addr, std::move(added));
    return 0;
}

bool Ioeventfds::is(const Handler& handler,
                    const gunyah::gh_fn_ioeventfd_arg& argument) const noexcept
{
    if (personality_.removal == Removal::ByKey)
        return true;  // the address is the key
    return handler.len == argument.len && handler.flags == argument.flags &&
           (!handler.matches_value() || handler.datamatch == argument.datamatch);
}

int Ioeventfds::remove(const gunyah::gh_fn_ioeventfd_arg& argument)
{
    const std::unique_lock lock(mutex_);
    const auto [first, last] = handlers_.equal_range(argument.addr);
    const auto found =
        std::find_if(first, last, [&](const auto& one) { return is(one.second, argument); });
    if (found == last)
        return ENOENT;
    handlers_.erase(found);
    return 0;
}

bool Ioeventfds::takes(const Handler& handler, std::uint64_t size,
                       std::uint64_t value) const noexcept
{
    if (!handler.matches_value())
        return true;
    const bool matches = personality_.boolean_datamatch ? (handler.datamatch != 0) == (value != 0)
                                                        : handler.datamatch == value;
    return handler.len == size && matches;
}

bool Ioeventfds::store(std::uint64_t address, std::uint64_t size,
                       std::uint64_t value) const noexcept
{
    const std::shared_lock lock(mutex_);
    const auto [first, last] = handlers_.equal_range(address);
    const auto found =
        std::find_if(first, last, [&](const auto& one) { return takes(one.second, size, value); });
    if (found == last)
        return false;
    signal(found->second.eventfd);
    return true;
}

}  // namespace gh::driver
