// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/configuration.h"

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's
class App;
}

namespace gh::cli {

/// What every command that reads a configuration takes: CONFIG and --set.
struct ConfigOptions {
    std::string file;
    std::vector<std::string> settings;

    void declare(CLI::App& app);
    [[nodiscard]] config::Configuration load() const;
};

}  // namespace gh::cli
