// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace gh::cli {

/// Writes all of it to stdout or, if `file` is not empty, to a new file of that name. Throws Error
/// where that fails, such as on a full disk.
void write_output(std::span<const std::byte> bytes, const std::string& file = "");
void write_output(std::string_view text, const std::string& file = "");

}  // namespace gh::cli
