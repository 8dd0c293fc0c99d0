// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/disk_operation.h"

#include <cstdint>
#include <functional>
#include <memory>

struct io_uring;

namespace gh::virtio {

/// Disk operations that the kernel works on beside each other (io_uring(7)). One thread at a time.
class IoRing {
public:
    /// `depth`: how many operations may be in flight. Throws Error where the process can have no
    /// rings: kernels may be too old (before Linux 5.6), and administrators and sandboxes may
    /// forbid them.
    explicit IoRing(unsigned depth);
    /// Nothing may be in flight.
    ~IoRing();
    IoRing(const IoRing&) = delete;
    IoRing& operator=(const IoRing&) = delete;

    /// Readable while results wait.
    [[nodiscard]] int get() const noexcept;

    /// Begins `operation` with the next submit(), which with its pieces stays as it is until
    /// reap() brings `tag`. Not Discard, which the ring does not know. `aside`: in a thread of the
    /// kernel's, for what it did not take at once.
    void add(const DiskOperation& operation, void* tag, bool aside = false);
    void submit() noexcept;

    /// Calls `done(tag, result)` for what is finished, in any order; the result is that of
    /// DiskOperation::perform().
    template <class Done>
    void reap(Done done)
    {
        void* tag = nullptr;
        std::int64_t result = 0;
        while (next(tag, result))
            done(tag, result);
    }

    /// Drops what the kernel has not begun and waits for all else.
    void drain() noexcept;

    [[nodiscard]] unsigned in_flight() const noexcept { return in_flight_; }

private:
    [[nodiscard]] bool next(void*& tag, std::int64_t& result) noexcept;

    std::unique_ptr<io_uring> ring_;
    unsigned in_flight_ = 0;
    unsigned cancelling_ = 0;  // cancellations that are not answered
    unsigned added_ = 0;       // since the last submit()
};

}  // namespace gh::virtio
