// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>

namespace gh {

/// Something the person at the keyboard can fix: a bad option, a missing file, a refused system
/// call. Thrown while a machine is being put together; caught once, in main().
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Throws Error("<what>: <strerror(err)>"). `what` names the call and its object: "open
/// /dev/gunyah". The one place where an errno becomes text for a person.
[[noreturn]] void throw_errno(const std::string& what, int err = errno);

/// The text of an errno with its name: "EBUSY (Device or resource busy)".
[[nodiscard]] std::string errno_text(int err);

/// Prints the failed condition with its place and aborts. For our own mistakes only: never reached
/// by anything a guest or a person does.
[[noreturn]] void check_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace gh

/// An always-on assertion about our own code.
#define GH_CHECK(condition) \
    ((condition) ? static_cast<void>(0) : ::gh::check_failed(#condition, __FILE__, __LINE__))
