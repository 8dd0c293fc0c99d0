// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: sockets behind their transport. At port 7 somebody listens, who never answers.
#include "devices/virtio/vsock.h"

#include "base/log.h"
#include "base/unix_socket.h"
#include "virtio_driver.h"

#include <string>

#include <sys/socket.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    gh::set_log_level(gh::LogLevel::Error);
    gh::test::Input input{{data, size}};
    const std::string path = "/tmp/gh-fuzz-vsock-" + std::to_string(::getpid());
    const gh::virtio::Ram ram;
    {
        const gh::Fd listener = gh::listen_unix(path + "_7", SOCK_STREAM);
        gh::virtio::Vsock vsock{{.cid = 3, .path = path}};
        gh::virtio::drive(vsock, ram, input);
    }
    (void)::unlink((path + "_7").c_str());
    return 0;
}
