// SPDX-License-Identifier: BSD-3-Clause
// libFuzzer: a console of two ports behind its transport; nobody is at their other ends.
#include "devices/virtio/console.h"

#include "base/log.h"
#include "virtio_driver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    gh::set_log_level(gh::LogLevel::Error);
    gh::test::Input input{{data, size}};
    const gh::virtio::Ram ram;
    gh::Poller poller;
    std::vector<gh::virtio::ConsolePort::Options> ports;
    for (const char* const name : {"", "agent"})
        ports.push_back(
            {.name = name, .is_terminal = true, .backend = gh::make_null_backend(poller)});
    gh::virtio::Console console{std::move(ports)};
    console.resize({.columns = 80, .rows = 25});
    gh::virtio::drive(console, ram, input);
    return 0;
}
