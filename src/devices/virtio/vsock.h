// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/listener.h"
#include "devices/virtio/device.h"
#include "devices/virtio/vsock_callers.h"
#include "devices/virtio/vsock_connection.h"
#include "devices/virtio/worker.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gh::virtio {

/// Sockets between guest and host (virtio 1.2, section 5.10) over unix sockets, as firecracker
/// spells it: who connects to PATH and says "CONNECT PORT\n" reaches that port of the guest's, and
/// is answered "OK HOST-PORT\n"; a guest that connects to port P of CID 2 reaches who listens at
/// PATH_P. Streams only. One thread serves all of it, and nothing in it blocks.
class Vsock final : public VirtioDevice {
public:
    struct Options {
        std::uint64_t cid = 3;
        std::string path;
    };

    static constexpr std::uint16_t kQueueSize = 128;
    static constexpr std::size_t kMaxConnections = 1024;  // callers that have not said a port count

    /// Listens at the path. Throws Error.
    explicit Vsock(Options options);
    ~Vsock() override;

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Socket; }
    [[nodiscard]] const char* name() const noexcept override { return "vsock"; }
    [[nodiscard]] std::uint64_t features() const noexcept override { return 0; }
    /// What goes to the guest, what comes from it, and events, of which there are none: only a
    /// guest that moves to another host needs them.
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override
    {
        return {kQueueSize, kQueueSize, kQueueSize};
    }
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override;
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    /// A connection and whether it waits for its turn in ready_.
    struct Entry {
        std::unique_ptr<VsockConnection> connection;
        bool waits = false;
    };

    // from the guest
    void serve_guest();
    void hear(const Chain& chain);
    void answer_request(const VsockHeader& header);
    void refuse(const VsockHeader& header);

    // to the guest
    void tell_guest();
    [[nodiscard]] bool has_news() const noexcept;
    [[nodiscard]] bool take_room();
    void give(const VsockHeader& header);

    // from the host
    [[nodiscard]] bool has_room_for_caller() const;
    void connect_caller(Fd socket, std::uint32_t port);

    void add(std::unique_ptr<VsockConnection> connection);
    void update(VsockPorts ports);
    void forget(VsockPorts ports);
    [[nodiscard]] bool is_full() const noexcept
    {
        return connections_.size() + callers_->size() >= kMaxConnections;
    }

    Options options_;
    Listener listener_;

    // All from here on is the thread's.
    Notifier* notifier_ = nullptr;
    Poller* poller_ = nullptr;
    std::unique_ptr<ActiveQueue> to_guest_;
    std::unique_ptr<ActiveQueue> from_guest_;
    Chain chain_;
    Chain room_;  // what the guest has given for the next packet
    bool has_room_ = false;
    std::map<VsockPorts, Entry> connections_;
    std::unique_ptr<VsockCallers> callers_;
    std::deque<VsockPorts> ready_;      // who has something for the guest, each once
    std::deque<VsockHeader> refusals_;  // resets of what is no connection
    bool guest_waits_ = false;          // for refusals_ to go
    std::uint32_t next_port_ = 0;
    std::unique_ptr<Worker> worker_;
};

}  // namespace gh::virtio
