// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "emulator/serve/borrowed_thread.h"
#include "emulator/serve/process.h"

#include <cstdint>
#include <memory>

namespace gh::serve {

/// A descriptor of ours in the client, for mappings that its borrowed thread makes there; it is
/// closed there when this goes. One thread.
class HandedOver {
public:
    HandedOver(Conversation& conversation, const Fd& file);
    ~HandedOver();
    HandedOver(const HandedOver&) = delete;
    HandedOver& operator=(const HandedOver&) = delete;

    /// 0 or an errno: EINTR where a signal has ended the client's call.
    [[nodiscard]] int error() const;
    /// Puts the file in the place of a mapping: 0 or EFAULT.
    [[nodiscard]] int replace(const Vma& vma, std::uint64_t offset);

private:
    int there_;
    std::unique_ptr<BorrowedThread> thread_;
};

}  // namespace gh::serve
