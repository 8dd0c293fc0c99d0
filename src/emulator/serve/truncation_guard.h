// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace gh::serve {

/// A client can shorten a file that a guest has in memory, and then a guest's access there raises
/// SIGBUS in a thread of ours. While a range is guarded, such an access finds a page of zeros
/// instead, from then on. Page-aligned; the range must be mapped longer than the guard lives.
class TruncationGuard {
public:
    /// Throws Error if there are more guards than anybody needs.
    explicit TruncationGuard(std::span<std::byte> range);
    ~TruncationGuard();
    TruncationGuard(const TruncationGuard&) = delete;
    TruncationGuard& operator=(const TruncationGuard&) = delete;

private:
    std::size_t slot_;
};

}  // namespace gh::serve
