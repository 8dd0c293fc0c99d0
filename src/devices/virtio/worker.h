// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/poller.h"
#include "devices/virtio/device.h"

#include <functional>
#include <string>
#include <thread>

namespace gh::virtio {

/// A thread of a device between start() and stop(): waits for descriptors, kicks above all, and
/// calls who wants to know. Joined as it goes.
class Worker {
public:
    /// `name`: at most 15 bytes, for /proc. What a handler throws is the driver's needs_reset().
    /// `prepare` says what to watch, before the thread begins.
    Worker(std::string name, Notifier& notifier, const std::function<void(Poller&)>& prepare);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

private:
    void run() noexcept;

    std::string name_;
    Notifier& notifier_;
    Poller poller_;
    std::thread thread_;
};

}  // namespace gh::virtio
