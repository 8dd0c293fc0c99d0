// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "config/document.h"
#include "config/parse.h"

#include <string>
#include <string_view>

namespace gh::config {

/// A machine that still knows where the file says each of its values, for those who find out
/// later that a value cannot be: an image that is no kernel or too large for the memory.
class Configuration {
public:
    /// As parse() and load().
    explicit Configuration(const Source& source);
    static Configuration load(const std::string& path,
                              const std::vector<std::string>& settings = {},
                              Files files = Files::Check);

    [[nodiscard]] const Vm& vm() const noexcept { return vm_; }

    /// An empty list to which mistakes can be added, and thrown from.
    [[nodiscard]] Complaints complaints() const { return Complaints{file_}; }

    /// Adds that the value at `path` ("kernel") was found, and what had been expected.
    void complain(Complaints& complaints, std::string_view path, std::string_view expected) const;

private:
    std::string file_;
    Node root_;
    Vm vm_;
};

}  // namespace gh::config
