// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a balloon behind its transport.
#include "devices/virtio/balloon.h"

#include "base/log.h"
#include "virtio_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    gh::set_log_level(gh::LogLevel::Error);
    gh::test::Input input{{data, size}};
    const gh::virtio::Ram ram;
    gh::virtio::Balloon balloon{ram.memory(), 1 << 20};
    gh::virtio::drive(balloon, ram, input);
    return 0;
}
