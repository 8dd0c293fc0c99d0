// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/poller.h"
#include "devices/irq_line.h"
#include "devices/serial_link.h"
#include "devices/uart16550a.h"

#include <functional>
#include <memory>
#include <string>

namespace gh {

/// What the host does with a serial line: owns the descriptors that a SerialLink uses.
class SerialBackend {
public:
    SerialBackend() = default;
    SerialBackend(const SerialBackend&) = delete;
    SerialBackend& operator=(const SerialBackend&) = delete;
    virtual ~SerialBackend() = default;

    [[nodiscard]] virtual SerialLink& link() noexcept = 0;
    /// Where others find the line: a terminal or a socket. Empty: nowhere.
    [[nodiscard]] virtual std::string path() const { return {}; }
};

/// The process's own input and output. At a terminal: raw mode and the escape key, whose "end" is
/// told to `end`. Elsewhere: bytes as they come; the end of input ends input alone.
[[nodiscard]] std::unique_ptr<SerialBackend> make_stdio_backend(Poller& poller,
                                                                std::function<void()> end);
/// Output to a file, which is emptied first. Throws Error.
[[nodiscard]] std::unique_ptr<SerialBackend> make_file_backend(Poller& poller,
                                                               const std::string& path);
/// Listens at a unix socket, one caller at a time; the next finds the last output. A stale socket
/// file is replaced; ours goes with us. Throws Error.
[[nodiscard]] std::unique_ptr<SerialBackend> make_socket_backend(Poller& poller,
                                                                 const std::string& path);
/// A pseudo-terminal, whose name is logged; also as a symbolic link at `link_path` if that is not
/// empty. Throws Error.
[[nodiscard]] std::unique_ptr<SerialBackend> make_pty_backend(Poller& poller,
                                                              const std::string& link_path);
/// Takes output away, brings no input.
[[nodiscard]] std::unique_ptr<SerialBackend> make_null_backend(Poller& poller);

/// A serial port whole: interrupt line, back end, UART.
class SerialPort {
public:
    explicit SerialPort(std::unique_ptr<SerialBackend> backend)
        : backend_(std::move(backend)), uart_(irq_, backend_->link())
    {
        backend_->link().attach(uart_);
    }

    [[nodiscard]] Uart16550a& uart() noexcept { return uart_; }
    [[nodiscard]] const IrqLine& irq() const noexcept { return irq_; }
    [[nodiscard]] SerialBackend& backend() const noexcept { return *backend_; }
    /// After the io thread: writes what is left.
    void drain() noexcept { backend_->link().drain(); }

private:
    IrqLine irq_;
    std::unique_ptr<SerialBackend> backend_;
    Uart16550a uart_;
};

}  // namespace gh
