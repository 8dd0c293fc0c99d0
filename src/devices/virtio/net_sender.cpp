// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/net_sender.h"

#include "devices/virtio/layout.h"

namespace gh::virtio {

NetSender::NetSender(const ActiveQueue& queue, NetBackend& backend, std::uint64_t features)
    : active_(queue), backend_(backend), features_(features)
{
}

const char* NetSender::run()
{
    (void)active_.kick->drain();
    waits_for_host_ = !backend_.flush();  // also of what an earlier driver has sent
    Queue& queue = active_.queue;
    queue.suppress_kicks();
    for (unsigned moved = 0; moved < queue.size() && !waits_for_host_; ++moved) {
        switch (queue.pop(chain_)) {
        case Queue::Popped::Broken: return queue.trouble();
        case Queue::Popped::Empty:
            waits_for_host_ = !backend_.flush();
            if (!queue.expect_kicks())
                return nullptr;
            queue.suppress_kicks();
            break;
        case Queue::Popped::Chain:
            waits_for_host_ = !send(chain_);
            queue.push(chain_.head, 0);
            break;
        }
    }
    waits_for_host_ = !backend_.flush();
    if (!waits_for_host_)
        active_.kick->signal();
    return nullptr;
}

// The header is judged and used from our copy.
bool NetSender::send(const Chain& chain)
{
    NetHeader header;
    if (!chain.readable.read(0, bytes_of(header)))
        return true;
    const std::uint64_t size = chain.readable.size() - sizeof header;
    if (size == 0 || size > kMaxNetFrame || !may_send(header, size, features_))
        return true;
    header.flags &= NetHeader::kNeedsCsum;
    header.num_buffers = 0;
    chain.readable.slice(sizeof header, size, frame_);
    return backend_.send(header, frame_);
}

}  // namespace gh::virtio
