// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/keys.h"

#include <cstdint>
#include <optional>
#include <string>

/// What a configuration's paths mean, and whether what they name can be used. Opens nothing but
/// the configuration itself, so that a path may be a descriptor (/proc/self/fd/N) or a fifo.
namespace gh::config {

/// `path` itself if it is absolute, else below `folder`.
[[nodiscard]] std::string absolute_path(const std::string& path, const std::string& folder);

/// The folder that relative paths inside the configuration `path` begin in: the file's own, but
/// the working directory for a descriptor.
[[nodiscard]] std::string folder_of(const std::string& path);

/// The configuration's text; throws ConfigError if it cannot be read or is absurdly long.
[[nodiscard]] std::string read_config_text(const std::string& path);

/// Why `path` cannot be used so, as what was expected: "a file that exists (...)"; empty if it can.
[[nodiscard]] std::string file_trouble(const std::string& path, FileUse use);
/// The same of a disk's image, which is raw: a regular file or a block device with a sector or
/// more.
[[nodiscard]] std::string disk_trouble(const std::string& path);

/// The same of a folder, whose files are to be used.
[[nodiscard]] std::string folder_trouble(const std::string& path);

/// A name like the last part of `written` in the folder of `path`, spelled the way `written` is;
/// empty if there is none.
[[nodiscard]] std::string nearest_file(const std::string& written, const std::string& path);

/// Bytes in a regular file; nothing for what has no size of its own.
[[nodiscard]] std::optional<std::uint64_t> file_size(const std::string& path);

}  // namespace gh::config
