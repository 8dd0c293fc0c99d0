// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/event_fd.h"
#include "machine/outcome.h"

#include <atomic>
#include <exception>
#include <mutex>
#include <optional>

namespace gh::machine {

/// That the machine is to end, and why: the first who says so wins. Any thread.
class Ending {
public:
    void request(Outcome outcome) noexcept;
    /// The same, for a failure that the thread which owns the machine is to see.
    void fail(std::exception_ptr failure) noexcept;

    [[nodiscard]] bool requested() const noexcept { return requested_.load(); }
    /// Becomes readable with the first request, and stays so.
    [[nodiscard]] int event() const noexcept { return event_.get(); }

    /// It is requested, and by a failure.
    [[nodiscard]] bool failed() const;
    /// Why, once requested. Throws the failure if that was first.
    [[nodiscard]] Outcome outcome() const;

private:
    std::mutex mutable mutex_;
    std::optional<Outcome> outcome_;  // these two: guarded by mutex_
    std::exception_ptr failure_;
    std::atomic<bool> requested_{false};
    EventFd event_;
};

}  // namespace gh::machine
