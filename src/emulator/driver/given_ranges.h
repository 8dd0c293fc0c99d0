// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/driver/client.h"

#include <mutex>
#include <vector>

namespace gh::driver {

/// What of one client's memory guests have, by the views that show it to them. Shared by the client
/// and its views, since views may outlive the device that made them. Any thread.
class GivenRanges {
public:
    /// False, and nothing is noted, where any of the range is lent, or given while it is to be
    /// lent.
    [[nodiscard]] bool add(ClientRange range, bool lent, const GuestView& view);
    [[nodiscard]] bool meets(ClientRange range) const;
    /// Forgets a part of what `view` shows; all of it by a range that holds it.
    void remove(ClientRange part, const GuestView& view) noexcept;

private:
    struct Given {
        ClientRange range;
        bool lent = false;
        const GuestView* view = nullptr;
    };

    mutable std::mutex mutex_;
    std::vector<Given> all_;
};

}  // namespace gh::driver
