// SPDX-License-Identifier: BSD-3-Clause
#include "config/parse.h"

#include "config/configuration.h"

namespace gh::config {

Vm parse(const Source& source)
{
    return Configuration{source}.vm();
}

Vm load(const std::string& path, const std::vector<std::string>& settings, Files files)
{
    return Configuration::load(path, settings, files).vm();
}

}  // namespace gh::config
