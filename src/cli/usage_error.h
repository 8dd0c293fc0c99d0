// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.h"

namespace gh::cli {

/// The command line itself makes no sense. Exit code 35, as for a bad configuration.
class UsageError : public Error {
public:
    using Error::Error;
};

}  // namespace gh::cli
