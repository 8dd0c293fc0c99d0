// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gh::driver {

/// Copies memory of this process by way of the kernel, so that a bad address, or a file mapping
/// beyond the end of its file, is an answer (false) and not a signal. Any thread.
[[nodiscard]] bool read_own(std::uint64_t address, std::span<std::byte> to) noexcept;

/// The same without process_vm_readv, which qemu-user, containers and app sandboxes may not have.
[[nodiscard]] bool read_own_by_pipe(std::uint64_t address, std::span<std::byte> to) noexcept;

}  // namespace gh::driver
