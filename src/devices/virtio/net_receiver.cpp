// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/net_receiver.h"

#include "base/error.h"
#include "devices/virtio/layout.h"

#include <algorithm>

namespace gh::virtio {

NetReceiver::NetReceiver(const ActiveQueue& queue, NetBackend& backend, bool merges)
    : active_(queue), backend_(backend), merges_(merges), held_(queue.queue.size())
{
}

const char* NetReceiver::run()
{
    (void)active_.kick->drain();
    for (unsigned moved = 0; moved < active_.queue.size(); ++moved) {
        if (!frame_)
            frame_ = backend_.receive();
        if (!frame_) {
            active_.queue.suppress_kicks();
            return nullptr;
        }
        switch (place(*frame_)) {
        case Placed::Done: frame_.reset(); break;
        case Placed::Broken: return trouble_;
        case Placed::NoBuffers:
            if (!active_.queue.expect_kicks())
                return nullptr;
            break;
        }
    }
    active_.kick->signal();
    return nullptr;
}

Queue::Popped NetReceiver::hold_another()
{
    Chain& chain = held_[held_count_];
    const auto popped = active_.queue.pop(chain);
    if (popped == Queue::Popped::Broken)
        trouble_ = active_.queue.trouble();
    if (popped != Queue::Popped::Chain)
        return popped;
    if (chain.writable.size() < sizeof(NetHeader)) {
        trouble_ = "a buffer for frames is shorter than their header";
        return Queue::Popped::Broken;
    }
    room_ += chain.writable.size();
    ++held_count_;
    return popped;
}

// A frame for which there would be no room in the whole queue, or in the one buffer that it may
// have, is dropped; the buffers stay for the next.
NetReceiver::Placed NetReceiver::place(const NetFrame& frame)
{
    const std::size_t size = sizeof(NetHeader) + frame.bytes.size();
    const std::size_t most = merges_ ? held_.size() : 1;
    while (room_ < size && held_count_ < most) {
        switch (hold_another()) {
        case Queue::Popped::Chain: break;
        case Queue::Popped::Empty: return Placed::NoBuffers;
        case Queue::Popped::Broken: return Placed::Broken;
        }
    }
    if (room_ >= size)
        fill(frame);
    return Placed::Done;
}

// The driver must see all buffers of a frame at once, so they are published together.
void NetReceiver::fill(const NetFrame& frame)
{
    const std::size_t size = sizeof(NetHeader) + frame.bytes.size();
    std::size_t done = 0;
    std::uint16_t used = 0;
    for (; done < size; ++used) {
        const Chain& chain = held_[used];
        const std::size_t skip = used == 0 ? sizeof(NetHeader) : 0;
        const std::size_t length = std::min<std::size_t>(chain.writable.size(), size - done);
        const std::size_t from = done + skip - sizeof(NetHeader);
        GH_CHECK(chain.writable.write(skip, frame.bytes.subspan(from, length - skip)));
        active_.queue.fill(chain.head, static_cast<std::uint32_t>(length));
        room_ -= chain.writable.size();
        done += length;
    }
    NetHeader header = frame.header;
    header.num_buffers = used;
    GH_CHECK(held_[0].writable.write(0, bytes_of(header)));
    active_.queue.publish();
    std::rotate(held_.begin(), held_.begin() + used,
                held_.begin() + static_cast<std::ptrdiff_t>(held_count_));
    held_count_ -= used;
}

}  // namespace gh::virtio
