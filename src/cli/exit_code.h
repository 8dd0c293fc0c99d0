// SPDX-License-Identifier: BSD-3-Clause
#pragma once

/// The exit codes that gh-vmm itself chooses; those of a VM that ran come from machine/. The
/// numbers are crosvm's: launchers know them.
namespace gh::cli {

inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;   // the VMM or the host
inline constexpr int kExitUsage = 35;  // arguments or configuration

}  // namespace gh::cli
