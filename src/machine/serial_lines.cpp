// SPDX-License-Identifier: BSD-3-Clause
#include "machine/serial_lines.h"

#include <utility>

namespace gh::machine {
namespace {

const char* type_name(config::SerialType type)
{
    switch (type) {
    case config::SerialType::Stdio: return "stdio";
    case config::SerialType::File: return "file";
    case config::SerialType::Socket: return "socket";
    case config::SerialType::Pty: return "pty";
    case config::SerialType::Null: break;
    }
    return "null";
}

}  // namespace

std::unique_ptr<SerialBackend> make_serial_backend(const config::Serial& wanted, Poller& poller,
                                                   const std::function<void()>& end)
{
    switch (wanted.type) {
    case config::SerialType::Stdio: return make_stdio_backend(poller, end);
    case config::SerialType::File: return make_file_backend(poller, wanted.path);
    case config::SerialType::Socket: return make_socket_backend(poller, wanted.path);
    case config::SerialType::Pty: return make_pty_backend(poller, wanted.path);
    case config::SerialType::Null: return make_null_backend(poller);
    }
    return make_null_backend(poller);
}

control::ConsoleStatus console_status(std::string name, config::SerialType type,
                                      SerialBackend& backend)
{
    return {.name = std::move(name),
            .type = type_name(type),
            .path = backend.path(),
            .sent = backend.link().sent(),
            .received = backend.link().received()};
}

std::vector<std::unique_ptr<SerialPort>> make_serial_lines(
    const std::vector<config::Serial>& wanted, Poller& poller, const std::function<void()>& end)
{
    std::vector<std::unique_ptr<SerialPort>> lines;
    lines.reserve(wanted.size());
    for (const auto& line : wanted)
        lines.push_back(std::make_unique<SerialPort>(make_serial_backend(line, poller, end)));
    return lines;
}

}  // namespace gh::machine
