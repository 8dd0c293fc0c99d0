// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/vm.h"

#include <chrono>
#include <optional>

namespace gh::machine {

/// Counts restarts and says whether there is another. Those in a row count together, whatever ended
/// the guest; a guest that ran for ten minutes begins a new row.
class Restarts {
public:
    /// How long to wait before the next; nothing if the policy allows no more. `ran`: how long the
    /// guest that has ended did.
    [[nodiscard]] std::optional<std::chrono::milliseconds> next(const config::EndPolicy& policy,
                                                                std::chrono::milliseconds ran);

    [[nodiscard]] unsigned in_row() const noexcept { return in_row_; }

    static constexpr std::chrono::minutes kSound{10};
    static constexpr std::chrono::minutes kLongestWait{1};

private:
    unsigned in_row_ = 0;
};

}  // namespace gh::machine
