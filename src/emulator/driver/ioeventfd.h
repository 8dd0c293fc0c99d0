// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "emulator/driver/personality.h"
#include "gunyah/uapi.h"

#include <cstdint>
#include <map>
#include <shared_mutex>

namespace gh::driver {

/// The stores of a guest that only signal an eventfd. Rules: gunyah-uapi.md 2.5, and
/// golden/README.md 01.8. Any thread.
class Ioeventfds {
public:
    /// `personality` outlives it.
    explicit Ioeventfds(const Personality& personality) : personality_(personality) {}

    /// The checks that the kernel makes before it looks at the descriptor: 0 or EINVAL.
    [[nodiscard]] int check(const gunyah::gh_fn_ioeventfd_arg& argument) const noexcept;

    /// EEXIST if a store could reach this one and another one.
    [[nodiscard]] int add(const gunyah::gh_fn_ioeventfd_arg& argument, Fd eventfd);

    /// By address, length, flags and (if flagged) value, or where the generation removes by key by
    /// address alone; `fd` is not compared. ENOENT if none.
    [[nodiscard]] int remove(const gunyah::gh_fn_ioeventfd_arg& argument);

    /// True if the store of `size` bytes was for one of them: its eventfd is signalled by 1.
    [[nodiscard]] bool store(std::uint64_t address, std::uint64_t size,
                             std::uint64_t value) const noexcept;

private:
    struct Handler {
        std::uint32_t len = 0;
        std::uint32_t flags = 0;
        std::uint64_t datamatch = 0;
        Fd eventfd;

        [[nodiscard]] bool matches_value() const noexcept
        {
            return (flags & gunyah::GH_IOEVENTFD_FLAGS_DATAMATCH) != 0;
        }
    };

    [[nodiscard]] bool conflict(const Handler& one, const Handler& other) const noexcept;
    [[nodiscard]] bool takes(const Handler& handler, std::uint64_t size,
                             std::uint64_t value) const noexcept;
    [[nodiscard]] bool is(const Handler& handler,
                          const gunyah::gh_fn_ioeventfd_arg& argument) const noexcept;

    const Personality& personality_;
    mutable std::shared_mutex mutex_;
    std::multimap<std::uint64_t, Handler> handlers_;  // by address
};

}  // namespace gh::driver
