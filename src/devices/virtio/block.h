// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "devices/virtio/block_queue.h"
#include "devices/virtio/block_request.h"
#include "devices/virtio/device.h"
#include "devices/virtio/io_ring.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gh::virtio {

/// A disk (virtio 1.2, section 5.2). Each queue has a thread; io_uring works on all requests of a
/// queue side by side, and where the host has none the thread does one after the other. A flush is
/// answered once all that was answered before it is on the disk.
class Block final : public VirtioDevice {
public:
    /// What works on the requests.
    enum class Io {
        Auto,  // io_uring where the host lets us, otherwise threads
        Uring,
        Threads,
    };
    /// One a queue, or nullptr where its thread does the work.
    using Rings = std::vector<std::shared_ptr<IoRing>>;

    struct Options {
        std::string name;    // for messages and threads: "disk0"
        std::string serial;  // what GET_ID answers, 20 bytes at most
        unsigned queues = 1;
        Io io = Io::Auto;
        DiskImage::Options image;
        Rings rings = {};  // of make_rings(); none: it makes them itself
    };

    static constexpr std::uint16_t kQueueSize = 256;

    /// For disks that follow each other, as a process may be confined meanwhile. Throws Error for
    /// Io::Uring where there is none.
    [[nodiscard]] static Rings make_rings(Io io, unsigned queues);

    /// Opens the image. Throws Error, also for Io::Uring where there is none.
    explicit Block(Options options);
    ~Block() override;

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Block; }
    [[nodiscard]] const char* name() const noexcept override { return disk_.name.c_str(); }
    [[nodiscard]] std::uint64_t features() const noexcept override;
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override;
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    /// What each queue keeps from one start to the next.
    struct Lane {
        Fd sync_file;
        std::shared_ptr<IoRing> ring;  // or none
    };

    BlockDisk disk_;
    std::vector<Lane> lanes_;
    std::vector<std::unique_ptr<BlockQueue>> queues_;
};

}  // namespace gh::virtio
