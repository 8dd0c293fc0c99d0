// SPDX-License-Identifier: BSD-3-Clause
#include "config/schema.h"

#include "cli/command.h"
#include "cli/exit_code.h"

#include <cstdio>

namespace gh::cli {

Action declare_schema(CLI::App& /*options*/)
{
    return [] {
        (void)std::fputs(config::schema().c_str(), stdout);
        return kExitOk;
    };
}

}  // namespace gh::cli
