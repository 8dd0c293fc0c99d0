// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// The data sheet of MmioTransport.
namespace gh::virtio::mmio {

// virtio 1.2, 4.2.2: MMIO Device Register Layout
enum Register : std::uint64_t {
    MagicValue = 0x000,
    Version = 0x004,
    DeviceID = 0x008,
    VendorID = 0x00c,
    DeviceFeatures = 0x010,
    DeviceFeaturesSel = 0x014,
    DriverFeatures = 0x020,
    DriverFeaturesSel = 0x024,
    QueueSel = 0x030,
    QueueNumMax = 0x034,
    QueueNum = 0x038,
    QueueReady = 0x044,
    QueueNotify = 0x050,
    InterruptStatus = 0x060,
    InterruptACK = 0x064,
    Status = 0x070,
    QueueDescLow = 0x080,
    QueueDescHigh = 0x084,
    QueueDriverLow = 0x090,
    QueueDriverHigh = 0x094,
    QueueDeviceLow = 0x0a0,
    QueueDeviceHigh = 0x0a4,
    SHMLenLow = 0x0b0,
    SHMBaseHigh = 0x0bc,
    ConfigGeneration = 0x0fc,
    Config = 0x100,
};

inline constexpr std::uint32_t kMagic = 0x7472'6976;   // "virt"
inline constexpr std::uint32_t kVendor = 0x4756'4847;  // "GHVG"

inline constexpr std::uint32_t kUsedBuffer = 1;  // InterruptStatus
inline constexpr std::uint32_t kConfigChange = 2;

// virtio 1.2, 2.1: Device Status Field
inline constexpr std::uint32_t kAcknowledge = 1;
inline constexpr std::uint32_t kDriver = 2;
inline constexpr std::uint32_t kDriverOk = 4;
inline constexpr std::uint32_t kFeaturesOk = 8;
inline constexpr std::uint32_t kNeedsReset = 64;
inline constexpr std::uint32_t kFailed = 128;
inline constexpr std::uint32_t kWritable =
    kAcknowledge | kDriver | kDriverOk | kFeaturesOk | kFailed;

}  // namespace gh::virtio::mmio
