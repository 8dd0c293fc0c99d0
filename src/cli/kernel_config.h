// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

namespace gh::cli {

/// The configuration that the running kernel was built with: /proc/config.gz, as on Android, else
/// /boot/config-`release`. Empty where neither can be read. `root` is put before both.
[[nodiscard]] std::string kernel_config(const std::string& release, const std::string& root = "");

}  // namespace gh::cli
