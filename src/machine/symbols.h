// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gh::machine {

/// The functions of a kernel by address, as `nm`, System.map and /proc/kallsyms list them. Modules
/// are left out: they lie elsewhere after each boot.
class Symbols {
public:
    Symbols() = default;
    /// Throws Error where the text has no function, or none with an address (kallsyms that was not
    /// read by root). `name`: of the file, for the complaint.
    Symbols(std::string_view text, const std::string& name);
    /// Throws Error if the file cannot be read as well.
    [[nodiscard]] static Symbols read(const std::string& path);

    /// "function+0x1c" for an address as the kernel was linked; nullopt: in none of them.
    [[nodiscard]] std::optional<std::string> find(std::uint64_t address) const;
    /// The same without what is behind the plus.
    [[nodiscard]] std::optional<std::string> function(std::uint64_t address) const;

    /// How far the kernel that has VBAR_EL1 at `vbar` runs from where it was linked: its vectors
    /// are at the symbol "vectors". nullopt: VBAR_EL1 is not at them now (kernels have others for
    /// the way from and to EL0), or there is no such symbol.
    [[nodiscard]] std::optional<std::uint64_t> displacement(std::uint64_t vbar) const;

private:
    struct Symbol {
        std::uint64_t address = 0;
        std::string name;
    };
    [[nodiscard]] const Symbol* at(std::uint64_t address) const;

    std::vector<Symbol> all_;  // by address
    std::optional<std::uint64_t> vectors_;
};

}  // namespace gh::machine
