// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace gh::config {

/// Everything that is wrong with a configuration, the first fifty with one line each:
/// "vm.json:3:13: memory: got "1GB"; expected ...; did you mean "1GiB"?". Exit code 35.
class ConfigError : public Error {
public:
    /// `file` as the person named it; `lines` is never empty. `count`: of mistakes, if there are
    /// more than lines.
    ConfigError(std::string file, std::vector<std::string> lines, std::size_t count = 0);

    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    [[nodiscard]] const std::vector<std::string>& lines() const noexcept { return lines_; }
    [[nodiscard]] std::size_t count() const noexcept { return count_; }

private:
    std::string file_;
    std::vector<std::string> lines_;
    std::size_t count_;
};

}  // namespace gh::config
