// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "base/mapping.h"
#include "protocol.h"

#include <string>
#include <vector>

namespace gh::differential {

/// A child process that runs oracle.c under `runner` (none: this machine is an arm64 one) and
/// shares a batch with us.
class Oracle {
public:
    Oracle(const std::vector<std::string>& runner, const std::string& program);
    ~Oracle();
    Oracle(const Oracle&) = delete;
    Oracle& operator=(const Oracle&) = delete;

    [[nodiscard]] Batch& batch() noexcept { return *reinterpret_cast<Batch*>(memory_.data()); }
    /// Lets the first `count` cases of the batch run; returns at once. The batch is the oracle's
    /// until wait().
    void start(std::uint32_t count);
    /// Throws Error if the oracle died, or does not answer within 30 seconds.
    void wait();

private:
    Fd memfd_;
    Mapping memory_;
    Fd to_;
    Fd from_;
    int pid_ = -1;
};

}  // namespace gh::differential
