// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>

namespace gh::control {

/// A fresh $XDG_RUNTIME_DIR, which goes with the test.
class RuntimeFolder {
public:
    RuntimeFolder()
    {
        REQUIRE(::mkdtemp(name_.data()) != nullptr);
        ::setenv("XDG_RUNTIME_DIR", name_.data(), 1);
    }
    ~RuntimeFolder()
    {
        ::unsetenv("XDG_RUNTIME_DIR");
        std::filesystem::remove_all(name_.data());
    }

    [[nodiscard]] std::string folder() const { return name_.data(); }

private:
    std::array<char, 32> name_{"/tmp/gh-control-XXXXXX"};
};

}  // namespace gh::control
