// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "gunyah/uapi.h"

#include <cstdint>
#include <string>

namespace gh::gunyah {

/// The argument of a request in words: " label=0 flags=RWX ...", empty if it carries none. The
/// pointer is one that we are about to pass to the kernel, or null.
[[nodiscard]] std::string decode_argument(std::uint32_t request, std::uintptr_t argument);

/// What a run page says after VCPU_RUN answered 0: "MMIO write 0x3f8 len 1 data 0x41".
[[nodiscard]] std::string decode_exit(const gh_vcpu_run& page);

}  // namespace gh::gunyah
