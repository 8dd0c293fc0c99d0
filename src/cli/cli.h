// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <exception>

/// The command line: which sub-commands there are, and how they fail.
namespace gh::cli {

/// Reads the command line and does what it says; returns the exit code. Throws UsageError,
/// config::ConfigError or another Error, for report().
[[nodiscard]] int run(int argc, const char* const* argv);

/// Tells the person on stderr what went wrong, once; returns the exit code that goes with it.
[[nodiscard]] int report(const std::exception& error) noexcept;

}  // namespace gh::cli
