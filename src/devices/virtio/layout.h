// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

/// The structures of chapter 5 as bytes; all are little-endian, as our hosts are.
namespace gh::virtio {

constexpr std::uint64_t feature_flag(unsigned feature)
{
    return std::uint64_t{1} << feature;
}

constexpr bool has_feature(std::uint64_t features, unsigned feature)
{
    return (features & feature_flag(feature)) != 0;
}

template <class T>
std::span<std::byte> bytes_of(T& value)
{
    static_assert(std::is_trivially_copyable_v<T>);
    return std::as_writable_bytes(std::span(&value, 1));
}

template <class T>
std::span<const std::byte> bytes_of(const T& value)
{
    static_assert(std::is_trivially_copyable_v<T>);
    return std::as_bytes(std::span(&value, 1));
}

/// The part of a configuration space that VirtioDevice::read_config() asks for; the rest of `to`
/// stays as it is.
template <class T>
void read_layout(const T& config, std::uint64_t offset, std::span<std::byte> to)
{
    const auto all = bytes_of(config);
    if (offset >= all.size())
        return;
    const auto there = all.subspan(offset, std::min(to.size(), all.size() - offset));
    std::copy(there.begin(), there.end(), to.begin());
}

}  // namespace gh::virtio
