// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <initializer_list>
#include <vector>

#include <linux/filter.h>

namespace gh {

/// System calls that are to do nothing and to say that all went well (seccomp(2)): for programs
/// that give up more than the host lets them. That takes rights from them and gives them none.
class Pretence {
public:
    Pretence(std::initializer_list<int> calls);

    /// From now on so, for this thread and its children. Async-signal-safe. False, with errno, if
    /// the host does not do that.
    [[nodiscard]] bool begin() const noexcept;

private:
    std::vector<sock_filter> filter_;
};

}  // namespace gh
