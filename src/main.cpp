// SPDX-License-Identifier: BSD-3-Clause
#include "cli/cli.h"

int main(int argc, char** argv)
{
    try {
        return gh::cli::run(argc, argv);
    } catch (const std::exception& error) {
        return gh::cli::report(error);
    }
}
