// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/rm/error.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

/// The messages of the Resource Manager's protocol (gunyah-guest-abi.md 4.2): their numbers, and
/// what their payloads are made of. Numbers are little-endian, as this machine's.
namespace gh::rm {

enum : std::uint32_t {
    VM_ALLOCATE = 0x5600'0001,
    VM_DEALLOCATE = 0x5600'0002,
    VM_START = 0x5600'0004,
    VM_STOP = 0x5600'0005,
    VM_RESET = 0x5600'0006,
    VM_GET_ID = 0x5600'0010,
    VM_LOOKUP_URI = 0x5600'0011,
    VM_LOOKUP_GUID = 0x5600'0012,
    VM_LOOKUP_NAME = 0x5600'0013,
    VM_GET_OWNER = 0x5600'0015,
    VM_GET_STATE = 0x5600'0017,
    VM_GET_CRASH_MSG = 0x5600'0019,
    VM_GET_HYP_RESOURCES = 0x5600'0020,
    VM_GET_VMID = 0x5600'0024,
    VM_GET_PEERS = 0x5600'0025,
    VM_SET_TIME_BASE = 0x5600'0030,
    VM_SET_FIRMWARE_MEM = 0x5600'0032,
    VM_SET_STATUS = 0x5600'0080,
    VM_CONSOLE_OPEN = 0x5600'0081,
    VM_CONSOLE_CLOSE = 0x5600'0082,
    VM_CONSOLE_WRITE = 0x5600'0083,
    VM_CONSOLE_FLUSH = 0x5600'0084,
    VM_EXIT = 0x5600'0085,
    VM_SET_CRASH_MSG = 0x5600'0086,
    VM_HOST_GET_TYPE = 0x5600'00a0,
};

enum IdType : std::uint8_t { kIdGuid = 0, kIdUri = 1, kIdName = 2, kIdSigner = 3 };

/// `bytes` must hold it.
template <class T>
[[nodiscard]] T get(std::span<const std::byte> bytes, std::size_t at)
{
    T value{};
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
}

template <class T>
void put(std::vector<std::byte>& out, T value)
{
    const auto bytes = std::as_bytes(std::span(&value, 1));
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// A reply of nothing but its error, or of Ok and some words.
[[nodiscard]] std::vector<std::byte> reply(Error error,
                                           std::initializer_list<std::uint32_t> words = {});

[[nodiscard]] std::span<const std::byte> bytes_of(std::string_view text);

/// One of the entries that GET_ID's reply consists of.
void put_id(std::vector<std::byte>& out, IdType type, std::span<const std::byte> id);

/// {u16 length, u16, text, zeros up to a word}: the text. Nothing: it is not so.
[[nodiscard]] std::optional<std::span<const std::byte>> get_text(
    std::span<const std::byte> request);

}  // namespace gh::rm
