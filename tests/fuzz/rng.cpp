// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: random numbers, behind their transport.
#include "base/log.h"
#include "devices/virtio/entropy.h"
#include "virtio_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    gh::set_log_level(gh::LogLevel::Error);
    gh::test::Input input{{data, size}};
    const gh::virtio::Ram ram;
    gh::virtio::Entropy entropy;
    gh::virtio::drive(entropy, ram, input);
    return 0;
}
