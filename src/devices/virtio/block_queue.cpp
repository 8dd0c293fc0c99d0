// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/block_queue.h"

#include "base/error.h"

#include <cerrno>
#include <string>

#include <sys/epoll.h>

namespace gh::virtio {

BlockQueue::BlockQueue(BlockDisk& disk, const Fd& sync_file, IoRing* ring,
                       const ActiveQueue& active, Notifier& notifier)
    : disk_(disk), active_(active), notifier_(notifier), ring_(ring)
{
    sync_.fd = sync_file.get();
    worker_.emplace(
        disk.name + "-" + std::to_string(active.index), notifier, [this](Poller& poller) {
            poller.add(active_.kick->get(), EPOLLIN, [this](std::uint32_t) { take(); });
            if (ring_ != nullptr)
                poller.add(ring_->get(), EPOLLIN, [this](std::uint32_t) { complete(); });
        });
}

BlockQueue::~BlockQueue()
{
    worker_.reset();
    if (ring_ != nullptr)
        ring_->drain();
}

// --- without a ring

std::uint32_t BlockQueue::serve_one(Chain& chain)
{
    BlockRequest& request = *requests_.front();
    GH_CHECK(&chain == &request.chain());
    Next next = request.begin(disk_);
    while (next != Next::Answer)
        next = next == Next::Flush ? request.flushed(disk_, flush_now())
                                   : request.operated(disk_, request.operation().perform());
    return request.answer();
}

int BlockQueue::flush_now()
{
    std::optional<int> error;
    while (!error)
        error = sync_.advance(sync_.perform());
    return disk_.image.synced(*error);
}

// --- with one

/// Handler of the kick.
void BlockQueue::take()
{
    if (ring_ == nullptr) {
        BlockRequest& request = fresh();
        idle_.push_back(&request);
        (void)serve(active_, request.chain(), notifier_,
                    [this](Chain& chain) { return serve_one(chain); });
        return;
    }
    (void)active_.kick->drain();
    complete();
}

/// Handler of the ring, which comes to take more, too: there is room again. A batch costs a system
/// call, if it does not come from the page cache, and an interrupt.
void BlockQueue::complete()
{
    Queue& queue = active_.queue;
    bool more = true;
    for (unsigned turn = 0; more; ++turn) {
        if (turn == queue.size()) {  // whoever wants to stop the thread gets a turn
            active_.kick->signal();
            break;
        }
        more = take_some();
        ring_->submit();
        ring_->reap([this](void* tag, std::int64_t result) {
            if (tag == this)
                return end_flush(result);
            auto& request = *static_cast<BlockRequest*>(tag);
            go_on(request, request.operated(disk_, result));
        });
        ring_->submit();
        if (queue.wants_interrupt())
            notifier_.used_buffers();
        if (all_in_flight())
            break;  // the ring will wake us
    }
}

bool BlockQueue::all_in_flight() const noexcept
{
    return idle_.empty() && requests_.size() == active_.queue.size();
}

/// Begins what the driver has made available, as much as can be in flight and at most a queue's
/// length. False: there is no more, and for what comes it kicks.
bool BlockQueue::take_some()
{
    Queue& queue = active_.queue;
    queue.suppress_kicks();
    for (unsigned taken = 0; taken < queue.size(); ++taken) {
        if (all_in_flight())
            return true;
        BlockRequest& request = fresh();
        switch (queue.pop(request.chain())) {
        case Queue::Popped::Broken:
            idle_.push_back(&request);
            notifier_.needs_reset(queue.trouble());
            return false;
        case Queue::Popped::Empty: idle_.push_back(&request); return queue.expect_kicks();
        case Queue::Popped::Chain: go_on(request, request.begin(disk_)); break;
        }
    }
    return true;
}

BlockRequest& BlockQueue::fresh()
{
    if (idle_.empty())
        idle_.push_back(requests_.emplace_back(std::make_unique<BlockRequest>()).get());
    BlockRequest& request = *idle_.back();
    idle_.pop_back();
    return request;
}

/// Makes the call in this thread, if that is better: its result.
std::optional<std::int64_t> BlockQueue::made_here(const DiskOperation& operation) noexcept
{
    switch (operation.by) {
    case DiskOperation::By::Ring: break;
    case DiskOperation::By::Thread: return operation.perform();
    case DiskOperation::By::ThreadIfItMay: return operation.perform_cached();
    }
    return std::nullopt;
}

void BlockQueue::go_on(BlockRequest& request, Next next)
{
    while (next == Next::Operate) {
        const auto result = made_here(request.operation());
        if (!result)
            return ring_->add(request.operation(), &request);
        next = request.operated(disk_, *result);
    }
    if (next == Next::Flush) {
        to_flush_.push_back(&request);
        return begin_flush();
    }
    active_.queue.push(request.chain().head, request.answer());
    idle_.push_back(&request);
}

// One at a time: of two in flight, only one would be told of pages that the host lost. Those that
// come meanwhile share the next.
void BlockQueue::begin_flush()
{
    if (!flushing_.empty() || to_flush_.empty())
        return;
    flushing_.swap(to_flush_);
    ring_->add(sync_, this);
}

void BlockQueue::end_flush(std::int64_t result)
{
    const auto error = sync_.advance(result);
    if (!error)
        return ring_->add(sync_, this);
    const int lost = disk_.image.synced(*error);
    for (BlockRequest* const request : flushing_)
        go_on(*request, request->flushed(disk_, lost));
    flushing_.clear();
    begin_flush();
}

}  // namespace gh::virtio
