// SPDX-License-Identifier: BSD-3-Clause
#include "config/schema.h"

#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/output.h"

namespace gh::cli {

Action declare_schema(CLI::App& /*app*/)
{
    return [] {
        write_output(config::schema());
        return kExitOk;
    };
}

}  // namespace gh::cli
