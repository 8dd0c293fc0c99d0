// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Sizes, addresses and durations as people write them.
namespace gh::config {

/// "512MiB" (B, KiB, MiB, GiB, TiB) or "0x80000000"; nothing for any other text or beyond 64 bits.
[[nodiscard]] std::optional<std::uint64_t> parse_quantity(std::string_view text);

/// What `text` was probably meant to say: "1GB", "1 gib", "1.5G", "0X8000_0000". A bare number
/// is taken as `unit` times so much.
[[nodiscard]] std::optional<std::uint64_t> guess_quantity(std::string_view text,
                                                          std::uint64_t unit);

/// 2147483648 -> "2GiB", 1000 -> "1000B": the largest unit that leaves no rest.
[[nodiscard]] std::string format_size(std::uint64_t bytes);

/// "500ms" (ms, s, m, h) in milliseconds; nothing for any other text, or beyond a month.
[[nodiscard]] std::optional<std::uint64_t> parse_duration(std::string_view text);

/// What `text` was probably meant to say: "30 sec", "1.5S", "2min"; a bare number is of seconds.
[[nodiscard]] std::optional<std::uint64_t> guess_duration(std::string_view text);

/// 90000 -> "90s", 60000 -> "1m": the largest unit that leaves no rest.
[[nodiscard]] std::string format_duration(std::uint64_t milliseconds);

/// 0x80000000 -> "0x80000000".
[[nodiscard]] std::string format_address(std::uint64_t address);

/// The regular expression (ECMA-262) of the texts that parse_quantity() takes.
inline constexpr std::string_view kQuantityPattern = "^(0x[0-9A-Fa-f]+|[0-9]+(B|KiB|MiB|GiB|TiB))$";

/// The same for parse_duration().
inline constexpr std::string_view kDurationPattern = "^[0-9]+(ms|s|m|h)$";

}  // namespace gh::config
