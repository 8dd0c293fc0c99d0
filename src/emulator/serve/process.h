// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/fd.h"
#include "emulator/driver/address_space.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/types.h>

/// What can be seen and done in another process, by the id of one of its threads. Everything may
/// fail at any moment, for the process may be gone.
namespace gh::serve {

/// False unless all of it was copied.
[[nodiscard]] bool read_memory(pid_t thread, std::uint64_t address,
                               std::span<std::byte> to) noexcept;
[[nodiscard]] bool write_memory(pid_t thread, std::uint64_t address,
                                std::span<const std::byte> from) noexcept;
/// A string of at most PATH_MAX bytes; nullopt: none is there.
[[nodiscard]] std::optional<std::string> read_string(pid_t thread, std::uint64_t address);

/// The process that a thread belongs to; 0 if it is gone.
[[nodiscard]] pid_t process_of(pid_t thread) noexcept;

/// Whether the thread can still run: neither gone nor dead and waiting to be reaped.
[[nodiscard]] bool is_alive(pid_t thread) noexcept;

/// fstat of a descriptor there.
[[nodiscard]] bool stat_fd(pid_t thread, int fd, struct stat& info) noexcept;
/// What /proc shows of a descriptor, of "cwd" and the like; empty if nothing.
[[nodiscard]] std::string read_link(pid_t thread, const std::string& name);
/// A copy of a descriptor there, or an empty Fd with errno.
[[nodiscard]] Fd copy_fd(pid_t thread, int fd) noexcept;

using driver::Vma;
/// Ascending; empty on any failure.
[[nodiscard]] std::vector<Vma> mappings(pid_t thread, std::uint64_t start, std::uint64_t end);

/// The file that is mapped there, opened for reading, and for writing if the process may. Empty if
/// it cannot be found: it was closed since, and only root may look into map_files.
[[nodiscard]] Fd open_mapped_file(pid_t thread, const Vma& vma);

}  // namespace gh::serve
