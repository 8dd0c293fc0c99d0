// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/serial_port.h"
#include "devices/virtio/device.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gh::virtio {

/// One port of a console, between its two queues and what the host does with it. Neither side makes
/// us hold more than a few pages: the host's bytes stay where they are until the guest has room,
/// and the guest's stay in its queue until the host takes them. The device's thread serves the
/// queues; the io thread brings input and says when output may go on.
class ConsolePort final : public SerialGuest {
public:
    struct Options {
        std::string name;          // as in /dev/virtio-ports/NAME; empty: a console, hvc0 and so on
        bool is_terminal = false;  // has the size of gh-vmm's own
        std::unique_ptr<SerialBackend> backend;
    };

    static constexpr std::size_t kBuffer = 4096;

    /// `wake` is signalled when serve() has something new to do.
    ConsolePort(Options options, const EventFd& wake);

    [[nodiscard]] const std::string& name() const noexcept { return options_.name; }
    [[nodiscard]] bool is_console() const noexcept { return options_.name.empty(); }
    [[nodiscard]] bool is_terminal() const noexcept { return options_.is_terminal; }

    [[nodiscard]] SerialBackend& backend() const noexcept { return *options_.backend; }

    /// Before the thread runs. A driver may have made one of the queues only, or none.
    void start(std::optional<ActiveQueue> input, std::optional<ActiveQueue> output,
               Notifier& notifier);
    /// After the thread: what has come in and what the guest sent in part are forgotten.
    void stop() noexcept;

    /// Whether somebody in the guest has the port open; input is taken from the host only then.
    void set_open(bool open) noexcept;
    /// Moves what can be moved, a bounded part of it at a time. The thread's.
    void serve();

    /// After the io thread: writes what is left.
    void drain() const noexcept { options_.backend->link().drain(); }

    [[nodiscard]] std::mutex& door() noexcept override { return door_; }
    [[nodiscard]] std::size_t room() const noexcept override;
    void receive(std::span<const std::uint8_t> bytes) noexcept override;
    void receive_break() noexcept override {}  // has no counterpart in virtio
    void resume_sending() noexcept override;

private:
    void serve_input();
    void serve_output();
    [[nodiscard]] bool next(ActiveQueue& active, Chain& chain);
    void finish(ActiveQueue& active, const Chain& chain, std::uint32_t written);
    void send_some();

    Options options_;
    const EventFd& wake_;
    Notifier* notifier_ = nullptr;

    std::optional<ActiveQueue> input_;  // these are the thread's
    std::optional<ActiveQueue> output_;
    Chain input_chain_;
    Chain output_chain_;
    bool sending_ = false;    // output_chain_ is not all sent
    std::uint64_t sent_ = 0;  // how much of it is

    std::mutex door_;  // guards the rest
    bool open_ = false;
    bool host_full_ = false;
    std::vector<std::uint8_t> received_;
};

}  // namespace gh::virtio
