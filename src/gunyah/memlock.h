// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace gh::gunyah {

/// Makes RLIMIT_MEMLOCK allow `bytes` of guest memory in all, as far as this process may.
void raise_memlock(std::uint64_t bytes) noexcept;

/// To be called when the kernel said ENOMEM: throws the Error that names limit, need and command,
/// if the limit can be the reason. Returns if it cannot.
void explain_memlock(std::uint64_t bytes);

}  // namespace gh::gunyah
