// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::rm {

/// What the Resource Manager answers to a message (gunyah-uapi.md 3.3).
enum class Error : std::uint32_t {
    Ok = 0,
    NoMemory = 1,
    NoResource = 2,
    Denied = 3,
    MessageInvalid = 4,
    Busy = 5,
    ArgumentInvalid = 6,
    HandleInvalid = 7,
    MemInvalid = 0xa,
    MemInUse = 0xb,
    VmidInvalid = 0xd,
    IrqInUse = 0x10,
    VmState = 0x14,
    Unimplemented = 0xffff'ffff,
};

/// The errno that Linux's driver makes of it. Its table ends at 0x11: newer codes are EBADMSG.
[[nodiscard]] int errno_of(Error error) noexcept;

}  // namespace gh::rm
