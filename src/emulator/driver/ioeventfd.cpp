// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/driver/ioeventfd.h"

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

int Ioeventfds::check(const gunyah::gh_fn_ioeventfd_arg& argument) noexcept
{
    if ((argument.flags & ~gunyah::GH_IOEVENTFD_FLAGS_DATAMATCH) != 0)
        return EINVAL;
    switch (argument.len) {
    case 1:
    case 2:
    case 4:
    case 8: return 0;
    case 0: return argument.flags != 0 ? EINVAL : 0;
    default: return EINVAL;
    }
}

int Ioeventfds::add(const gunyah::gh_fn_ioeventfd_arg& argument, Fd eventfd)
{
    Handler added{argument.len, argument.flags, argument.datamatch, std::move(eventfd)};
    const std::unique_lock lock(mutex_);
    const auto [first, last] = handlers_.equal_range(argument.addr);
    for (auto i = first; i != last; ++i) {
        const Handler& old = i->second;
        const bool both_match = old.matches_value() && added.matches_value();
        if (!both_match || (old.len == added.len && old.datamatch == added.datamatch))
            return EEXIST;
    }
    handlers_.emplace(argument.addr, std::move(added));
    return 0;
}

int Ioeventfds::remove(const gunyah::gh_fn_ioeventfd_arg& argument)
{
    const std::unique_lock lock(mutex_);
    const auto [first, last] = handlers_.equal_range(argument.addr);
    for (auto i = first; i != last; ++i) {
        const Handler& handler = i->second;
        if (handler.len == argument.len && handler.flags == argument.flags &&
            (!handler.matches_value() || handler.datamatch == argument.datamatch)) {
            handlers_.erase(i);
            return 0;
        }
    }
    return ENOENT;
}

bool Ioeventfds::store(std::uint64_t address, std::uint64_t size,
                       std::uint64_t value) const noexcept
{
    const std::shared_lock lock(mutex_);
    const auto [first, last] = handlers_.equal_range(address);
    for (auto i = first; i != last; ++i) {
        const Handler& handler = i->second;
        if (!handler.matches_value() || (handler.len == size && handler.datamatch == value)) {
            signal(handler.eventfd);
            return true;
        }
    }
    return false;
}

}  // namespace gh::driver
