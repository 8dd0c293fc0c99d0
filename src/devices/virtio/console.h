// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/terminal.h"
#include "devices/virtio/console_port.h"
#include "devices/virtio/device.h"
#include "devices/virtio/worker.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace gh::virtio {

/// Consoles and named ports (virtio 1.2, section 5.3), all served by one thread. A single console
/// is offered without VIRTIO_CONSOLE_F_MULTIPORT: its size is then told in the configuration space,
/// whereas Linux before 6.15 reads rows and columns of a RESIZE message the wrong way round.
class Console final : public VirtioDevice {
public:
    static constexpr std::uint16_t kQueueSize = 64;

    /// At least one port. Their back ends' poller must not run yet.
    explicit Console(std::vector<ConsolePort::Options> ports);
    ~Console() override;

    /// The terminal that gh-vmm runs in has this size now. Any thread.
    void resize(TerminalSize size) noexcept;
    [[nodiscard]] const ConsolePort& port(std::size_t index) const { return *ports_.at(index); }
    /// After the io thread: writes what is left.
    void drain() const noexcept;

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Console; }
    [[nodiscard]] const char* name() const noexcept override { return "console"; }
    [[nodiscard]] std::uint64_t features() const noexcept override;
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override;
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    /// virtio 1.2, 5.3.6.2.
    struct Control {
        std::uint32_t id;
        std::uint16_t event;
        std::uint16_t value;
    };

    [[nodiscard]] bool is_multiport() const noexcept;
    void connect(unsigned port, const std::vector<ActiveQueue>& queues, Notifier& notifier);
    void prepare(Poller& poller);
    void wake_up();
    void hear(const Control& control);
    void owe(unsigned port, std::uint32_t messages);
    void pay();
    [[nodiscard]] bool tell(unsigned port, std::uint32_t message);
    [[nodiscard]] std::vector<std::byte> message_of(unsigned port, std::uint32_t message) const;

    EventFd wake_;
    std::vector<std::unique_ptr<ConsolePort>> ports_;
    std::atomic<TerminalSize> size_{};
    std::atomic<bool> resized_{false};

    Notifier* notifier_ = nullptr;  // this and the rest are the thread's
    std::vector<ActiveQueue> queues_;
    std::vector<std::uint32_t> owed_;  // for each port, the messages that its driver must get
    ActiveQueue* to_driver_ = nullptr;
    ActiveQueue* from_driver_ = nullptr;
    Chain chain_;
    std::unique_ptr<Worker> worker_;
};

}  // namespace gh::virtio
