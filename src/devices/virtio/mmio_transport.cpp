// SPDX-License-Identifier: BSD-3-Clause
#include "devices/virtio/mmio_transport.h"

#include "base/bits.h"
#include "base/log.h"
#include "devices/virtio/layout.h"
#include "devices/virtio/mmio_registers.h"

#include <array>
#include <bit>
#include <cstring>
#include <exception>
#include <utility>

namespace gh::virtio {

using namespace mmio;

static_assert(QueueNotify == MmioTransport::kNotify);

namespace {

std::uint64_t offer(const VirtioDevice& device, bool access_platform)
{
    const std::uint64_t rings = feature_flag(kFeatureIndirectDesc) | feature_flag(kFeatureEventIdx);
    return device.features() | feature_flag(kFeatureVersion1) | (rings & device.ring_features()) |
           (access_platform ? feature_flag(kFeatureAccessPlatform) : 0);
}

/// Half `select` (0 or 1) of a 64-bit register; others are 0.
std::uint32_t half_of(std::uint64_t value, std::uint32_t select)
{
    return select > 1 ? 0 : static_cast<std::uint32_t>(value >> (32 * select));
}

void set_half(std::uint64_t& value, bool high, std::uint32_t half)
{
    value = high ? (value & 0xffff'ffff) | std::uint64_t{half} << 32
                 : (value & ~std::uint64_t{0xffff'ffff}) | half;
}

}  // namespace

MmioTransport::MmioTransport(VirtioDevice& device, const DmaMemory& memory, const Options& options)
    : device_(device),
      memory_(memory),
      options_(options),
      offered_(offer(device, options.access_platform))
{
    for (const std::uint16_t max : device.queue_sizes())
        queues_.push_back({.max = max});
    kicks_ = std::vector<EventFd>(queues_.size());
    traffic_ = std::vector<Traffic>(queues_.size());
}

MmioTransport::~MmioTransport()
{
    stop();
}

void MmioTransport::stop() noexcept
{
    const std::scoped_lock lock(door());
    device_.stop();
    status_ = 0;
}

// --- what the device says

void MmioTransport::interrupt(std::uint32_t reason) noexcept
{
    interrupt_status_.fetch_or(reason);
    irq_.pulse();
}

void MmioTransport::used_buffers() noexcept
{
    interrupt(kUsedBuffer);
}

void MmioTransport::config_changed() noexcept
{
    config_generation_.fetch_add(1);
    interrupt(kConfigChange);
}

void MmioTransport::needs_reset(const char* why) noexcept
{
    if (!said_broken_.exchange(true))
        log(LogLevel::Warn, "%s stops until the guest's driver resets it: %s", device_.name(), why);
    broken_ = true;
    interrupt(kConfigChange);
}

// --- registers

std::uint64_t MmioTransport::read(MmioAccess access) noexcept
{
    if (access.offset >= Config)
        return read_config(access);
    return access.size == 4 ? read_register(access.offset) : 0;
}

std::uint64_t MmioTransport::read_config(MmioAccess access) noexcept
{
    std::array<std::byte, 8> bytes{};
    device_.read_config(access.offset - Config, std::span(bytes).first(access.size));
    return std::bit_cast<std::uint64_t>(bytes);
}

std::uint32_t MmioTransport::read_status() const noexcept
{
    return status_ | (broken_ ? kNeedsReset : 0);
}

std::uint32_t MmioTransport::read_register(std::uint64_t offset) noexcept
{
    if (offset >= SHMLenLow && offset <= SHMBaseHigh)
        return ~std::uint32_t{0};  // there are no shared memory regions
    switch (offset) {
    case MagicValue: return kMagic;
    case Version: return 2;
    case DeviceID: return static_cast<std::uint32_t>(device_.id());
    case VendorID: return kVendor;
    case DeviceFeatures: return half_of(offered_, device_features_select_);
    case QueueNumMax: return selected() != nullptr ? selected()->max : 0u;
    case QueueReady: return selected() != nullptr && selected()->ready ? 1 : 0;
    case InterruptStatus: return interrupt_status_;
    case Status: return read_status();
    case ConfigGeneration: return config_generation_;
    default: return 0;
    }
}

void MmioTransport::write(MmioAccess access, std::uint64_t value) noexcept
{
    if (access.offset >= Config) {
        const auto bytes = std::bit_cast<std::array<std::byte, 8>>(value);
        device_.write_config(access.offset - Config, std::span(bytes).first(access.size));
    } else if (access.size == 4) {
        write_register(access.offset, static_cast<std::uint32_t>(value));
    }
}

void MmioTransport::write_register(std::uint64_t offset, std::uint32_t value) noexcept
{
    switch (offset) {
    case DeviceFeaturesSel: device_features_select_ = value; break;
    case DriverFeaturesSel: driver_features_select_ = value; break;
    case DriverFeatures: write_driver_features(value); break;
    case QueueSel: queue_select_ = value; break;
    case QueueNotify: kick(value); break;
    case InterruptACK: interrupt_status_.fetch_and(~value); break;
    case Status: write_status(value); break;
    default:
        if (QueueRegisters* const queue = selected())
            write_queue(*queue, offset, value);
    }
}

// What is agreed on stays so (virtio 1.2, 2.2.1).
void MmioTransport::write_driver_features(std::uint32_t value) noexcept
{
    if ((status_ & kFeaturesOk) == 0 && driver_features_select_ <= 1)
        set_half(driver_features_, driver_features_select_ == 1, value);
}

// The rings of a queue that is ready stay where they are.
void MmioTransport::write_queue(QueueRegisters& queue, std::uint64_t offset,
                                std::uint32_t value) noexcept
{
    if (offset == QueueReady)
        return write_ready(queue, (value & 1) != 0);
    if (queue.ready)
        return;
    const bool high = bit(offset, 2);
    switch (offset) {
    case QueueNum: queue.size = value; break;
    case QueueDescLow:
    case QueueDescHigh: set_half(queue.descriptors, high, value); break;
    case QueueDriverLow:
    case QueueDriverHigh: set_half(queue.available, high, value); break;
    case QueueDeviceLow:
    case QueueDeviceHigh: set_half(queue.used, high, value); break;
    default: break;
    }
}

QueueSetup MmioTransport::setup_of(const QueueRegisters& queue) const noexcept
{
    return {.size = static_cast<std::uint16_t>(queue.size <= queue.max ? queue.size : 0),
            .descriptors = Gpa{queue.descriptors},
            .available = Gpa{queue.available},
            .used = Gpa{queue.used},
            .indirect = agreed(kFeatureIndirectDesc),
            .event_index = agreed(kFeatureEventIdx)};
}

// Taking one queue away from a device that works stops all of it (there is no RING_RESET): the
// driver reads zero, and nothing touches the rings any more, as 4.2.2.2 promises.
void MmioTransport::write_ready(QueueRegisters& queue, bool ready) noexcept
{
    const bool running = (status_ & kDriverOk) != 0;
    if (!ready) {
        if (running && queue.ready) {
            device_.stop();
            needs_reset("the driver took a queue away");
        }
        queue.ready = false;
        return;
    }
    if (running || queue.ready)
        return;
    if (Queue::open(memory_, setup_of(queue)))
        queue.ready = true;
    else
        needs_reset(options_.access_platform
                        ? "a queue is badly placed; a guest whose RAM is lent needs a kernel with "
                          "CONFIG_DMA_RESTRICTED_POOL=y"
                        : "a queue has a wrong size or lies where no memory is");
}

void MmioTransport::write_status(std::uint32_t value) noexcept
{
    if (value == 0)
        return reset();
    std::uint32_t added = value & kWritable & ~status_;
    if ((added & kFeaturesOk) != 0 && !accepts_features())
        added &= ~kFeaturesOk;
    status_ |= added & ~kDriverOk;
    if ((added & kDriverOk) != 0 && (status_ & kFeaturesOk) != 0) {
        status_ |= kDriverOk;
        start_device();
    }
}

bool MmioTransport::agreed(unsigned feature) const noexcept
{
    return has_feature(driver_features_, feature);
}

bool MmioTransport::accepts_features() const noexcept
{
    if (options_.access_platform && !agreed(kFeatureAccessPlatform))
        GH_LOG_ONCE(
            LogLevel::Warn,
            "%s: the guest's driver does not use the bounce buffer, without which it cannot "
            "share data with the host (VIRTIO_F_ACCESS_PLATFORM); the guest's kernel needs "
            "CONFIG_DMA_RESTRICTED_POOL=y",
            device_.name());
    return (driver_features_ & ~offered_) == 0 && agreed(kFeatureVersion1) &&
           (!options_.access_platform || agreed(kFeatureAccessPlatform));
}

void MmioTransport::kick(std::uint32_t index) noexcept
{
    if (index < kicks_.size())
        kicks_[index].signal();
}

void MmioTransport::reset() noexcept
{
    device_.stop();
    status_ = 0;
    driver_features_ = 0;
    device_features_select_ = 0;
    driver_features_select_ = 0;
    queue_select_ = 0;
    broken_ = false;
    interrupt_status_ = 0;
    for (QueueRegisters& queue : queues_)
        queue = {.max = queue.max};
}

// The first look at each queue needs no kick of the driver's.
void MmioTransport::start_device() noexcept
{
    try {
        device_.start(driver_features_, open_queues(), *this);
        for (const EventFd& kick : kicks_)
            kick.signal();
    } catch (const std::exception& error) {
        if (!std::exchange(said_failed_, true))  // the driver may try again and again
            log(LogLevel::Error, "%s: %s", device_.name(), error.what());
        device_.stop();
        needs_reset("it could not be started");
    }
}

std::vector<ActiveQueue> MmioTransport::open_queues()
{
    std::vector<ActiveQueue> active;
    for (unsigned index = 0; index < queues_.size(); ++index)
        if (queues_[index].ready)
            if (auto queue = Queue::open(memory_, setup_of(queues_[index]), &traffic_[index]))
                active.push_back({index, *queue, &kicks_[index]});
    return active;
}

MmioTransport::QueueRegisters* MmioTransport::selected() noexcept
{
    return queue_select_ < queues_.size() ? &queues_[queue_select_] : nullptr;
}

}  // namespace gh::virtio
