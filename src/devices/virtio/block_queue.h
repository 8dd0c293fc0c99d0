// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "devices/virtio/block_request.h"
#include "devices/virtio/device.h"
#include "devices/virtio/io_ring.h"
#include "devices/virtio/worker.h"

#include <memory>
#include <optional>
#include <vector>

namespace gh::virtio {

/// A queue of a disk at work, from start() to stop(): a thread that takes requests and, with a
/// ring, has the kernel work on all of them side by side; without, does one after the other.
/// Answers come in the order in which the host finishes.
class BlockQueue {
public:
    /// `sync_file`: the image, opened for this queue alone, since Linux tells each open file once
    /// of pages that it lost. `ring`: its own, too, or none. All outlive the queue. Throws Error.
    BlockQueue(BlockDisk& disk, const Fd& sync_file, IoRing* ring, const ActiveQueue& active,
               Notifier& notifier);
    /// Returns when nothing touches guest memory any more. What the kernel has begun is waited for:
    /// nothing can take the guest's buffers away from a disk that reads into them.
    ~BlockQueue();
    BlockQueue(const BlockQueue&) = delete;
    BlockQueue& operator=(const BlockQueue&) = delete;

private:
    using Next = BlockRequest::Next;

    [[nodiscard]] std::uint32_t serve_one(Chain& chain);
    [[nodiscard]] int flush_now();

    void take();
    [[nodiscard]] bool take_some();
    [[nodiscard]] bool all_in_flight() const noexcept;
    void complete();
    [[nodiscard]] static std::optional<std::int64_t> made_here(
        const DiskOperation& operation) noexcept;
    void go_on(BlockRequest& request, Next next);
    void begin_flush();
    void end_flush(std::int64_t result);
    [[nodiscard]] BlockRequest& fresh();

    BlockDisk& disk_;
    ActiveQueue active_;
    Notifier& notifier_;
    DiskOperation sync_;
    std::vector<std::unique_ptr<BlockRequest>> requests_;
    std::vector<BlockRequest*> idle_;
    std::vector<BlockRequest*> to_flush_;  // with the next flush
    std::vector<BlockRequest*> flushing_;  // with that in flight: there is one at a time
    IoRing* ring_;
    std::optional<Worker> worker_;  // last, so that it goes first
};

}  // namespace gh::virtio
