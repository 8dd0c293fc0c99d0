// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

namespace gh::cpu {

/// One piece of TLB or instruction cache maintenance, as a PE performs it on itself.
struct Maintenance {
    enum class Kind : std::uint8_t {
        All,       // every translation
        Asid,      // those of one ASID that are not global
        Pages,     // `pages` pages from `va`, of every ASID
        CodeLine,  // the code at `host` changed
        CodeAll,
        CodePage,  // somebody stores to the page at `host`, which held code
        ReadOnly,  // stores to the page at `host` must be noticed from now on
    };
    Kind kind = Kind::All;
    std::uint16_t asid = 0;
    std::uint64_t va = 0;
    std::uint64_t pages = 1;
    const std::byte* host = nullptr;
};

}  // namespace gh::cpu
