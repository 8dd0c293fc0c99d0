// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: what a vhost-user back-end answers, all of it before it is asked.
#include "devices/virtio/vhost_user.h"

#include "base/error.h"
#include "base/event_fd.h"
#include "driver.h"

#include <array>
#include <cstdint>

#include <sys/socket.h>

namespace {

gh::virtio::VhostUser::Vring vring(unsigned index, const gh::EventFd& event)
{
    using gh::virtio::Ram;
    return {.index = index,
            .setup = {.size = 8,
                      .descriptors = gh::Gpa{Ram::kBase},
                      .available = gh::Gpa{Ram::kBase + 0x400},
                      .used = gh::Gpa{Ram::kBase + 0x800}},
            .kick = event.get(),
            .call = event.get()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::array<int, 2> pair{};
    GH_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) == 0);
    gh::Fd ours{pair[0]};
    const gh::Fd theirs{pair[1]};
    GH_CHECK(::send(theirs.get(), data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size));
    GH_CHECK(::shutdown(theirs.get(), SHUT_WR) == 0);
    static const gh::virtio::Ram ram;
    static const gh::EventFd event;
    try {
        gh::virtio::VhostUser front(std::move(ours), {.name = "the back-end"});
        for (int round = 0; round < 2; ++round) {
            front.start(~std::uint64_t{0}, ram.memory(),
                        std::array{vring(0, event), vring(1, event)});
            (void)front.is_alive();
            front.stop();
        }
    } catch (const gh::Error&) {
        // what a wrong answer is to be
    }
    return 0;
}
