// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "devices/virtio/device.h"
#include "devices/virtio/disk_image.h"
#include "devices/virtio/worker.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace gh::virtio {

/// A disk (virtio 1.2, section 5.2). Each queue has a thread that reads and writes while the vCPUs
/// run on, one request after the other; several queues work side by side. A flush is answered once
/// all that was answered before it is on the disk.
class Block final : public VirtioDevice {
public:
    struct Options {
        std::string name;    // for messages and threads: "disk0"
        std::string serial;  // what GET_ID answers, 20 bytes at most
        unsigned queues = 1;
        DiskImage::Options image;
    };

    static constexpr std::uint16_t kQueueSize = 256;

    /// Opens the image. Throws Error.
    explicit Block(Options options);
    ~Block() override;

    [[nodiscard]] DeviceId id() const noexcept override { return DeviceId::Block; }
    [[nodiscard]] const char* name() const noexcept override { return options_.name.c_str(); }
    [[nodiscard]] std::uint64_t features() const noexcept override;
    [[nodiscard]] std::vector<std::uint16_t> queue_sizes() const override;
    void read_config(std::uint64_t offset, std::span<std::byte> to) noexcept override;
    void start(std::uint64_t features, std::vector<ActiveQueue> queues,
               Notifier& notifier) override;
    void stop() noexcept override;

private:
    /// A queue at work. Its thread comes last, so that it goes first.
    struct Lane {
        explicit Lane(const ActiveQueue& queue) : active(queue) {}

        ActiveQueue active;
        Chain chain;
        Buffer data;
        std::unique_ptr<Worker> worker;
    };
    enum class Status : std::uint8_t { Ok = 0, IoError = 1, Unsupported = 2 };
    struct Header {
        std::uint32_t type;
        std::uint32_t reserved;
        std::uint64_t sector;
    };
    struct Segment;

    void run(Lane& lane, Notifier& notifier);
    [[nodiscard]] std::uint32_t answer(Chain& chain, Buffer& data);
    [[nodiscard]] Status perform(const Chain& chain, Buffer& data);
    [[nodiscard]] Status read(const Header& header, const Chain& chain, Buffer& data);
    [[nodiscard]] Status write(const Header& header, const Chain& chain, Buffer& data);
    [[nodiscard]] Status flush();
    [[nodiscard]] Status identify(const Chain& chain) const;
    [[nodiscard]] Status forget(const Header& header, const Chain& chain);
    [[nodiscard]] Status forget_segment(std::uint32_t type, const Segment& segment);
    [[nodiscard]] bool holds(std::uint64_t sector, std::uint64_t bytes) const noexcept;
    [[nodiscard]] Status result(const char* what, int error) noexcept;

    Options options_;
    DiskImage image_;
    std::uint64_t agreed_ = 0;  // features
    std::vector<std::unique_ptr<Lane>> lanes_;
    std::atomic<bool> said_failed_{false};
};

}  // namespace gh::virtio
