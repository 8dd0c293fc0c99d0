// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/worker.h"

#include "base/log.h"

#include <exception>

#include <pthread.h>

namespace gh::virtio {

Worker::Worker(std::string name, Notifier& notifier, const std::function<void(Poller&)>& prepare)
    : name_(std::move(name)), notifier_(notifier)
{
    prepare(poller_);
    thread_ = std::thread([this] { run(); });
}

Worker::~Worker()
{
    poller_.stop();
    thread_.join();
}

void Worker::run() noexcept
{
    (void)::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
    try {
        poller_.run();
    } catch (const std::exception& error) {
        log(LogLevel::Error, "%s: %s", name_.c_str(), error.what());
        notifier_.needs_reset("the device failed");
    }
}

}  // namespace gh::virtio
