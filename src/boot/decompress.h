// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "boot/image_head.h"

namespace gh::boot {

/// What to do when `out` is full before the stream ends.
enum class WhenFull { Stop, Refuse };

/// Decompresses `in` (gzip, zstd, or lz4 in either of its forms) straight into `out`; answers how
/// many bytes it made. Throws Error: damaged or truncated data; more than fits, if Refuse.
std::size_t decompress(Packing packing, Bytes in, std::span<std::byte> out, WhenFull when_full);

}  // namespace gh::boot
