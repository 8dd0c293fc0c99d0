// SPDX-License-Identifier: BSD-3-Clause
#include "machine/threads.h"

#include <poll.h>
#include <pthread.h>

namespace gh::machine {

void Threads::start(const std::string& name, std::function<void()> body)
{
    running_.fetch_add(1);
    threads_.emplace_back([this, name, body = std::move(body)] {
        (void)::pthread_setname_np(::pthread_self(), name.c_str());
        try {
            body();
        } catch (...) {
            ending_.fail(std::current_exception());
        }
        if (running_.fetch_sub(1) == 1)
            finished_.signal();
    });
}

bool Threads::wait(int milliseconds) const
{
    pollfd finished{.fd = finished_.get(), .events = POLLIN, .revents = 0};
    return running_.load() == 0 || (::poll(&finished, 1, milliseconds) > 0 && running_.load() == 0);
}

}  // namespace gh::machine
