// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace gh::gunyah {

/// Why the kernel refused `request` with `error` and what a person can do about it: one or two
/// sentences. Never empty: what the table does not know gets the general advice.
[[nodiscard]] std::string_view explain(std::uint32_t request, int error) noexcept;

/// How a VM ended, by the exit type of its STATUS exit: "the guest powered off".
[[nodiscard]] const char* explain_end(std::uint16_t exit_type) noexcept;

/// "<request> for <object>: <errno>: <explanation>".
[[nodiscard]] std::string refusal(std::uint32_t request, const std::string& object, int error);

/// Throws that as an Error.
[[noreturn]] void throw_refused(std::uint32_t request, const std::string& object, int error);

}  // namespace gh::gunyah
