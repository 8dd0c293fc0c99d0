// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/state.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace gh::cpu {

/// A member of State by its name, for reports of where two states differ.
struct StateMember {
    const char* name;
    std::size_t offset;
    std::size_t size;  // at most 8
};

#define GH_MEMBER(name)                                                   \
    StateMember                                                           \
    {                                                                     \
#name, offsetof(State, name), sizeof(std::declval <State>().name) \
    }
/// Those that instructions of EL0 and EL1 change in passing, but for x and v.
inline constexpr std::array kStateMembers{
    GH_MEMBER(pc),
    GH_MEMBER(nzcv),
    GH_MEMBER(daif),
    GH_MEMBER(el),
    GH_MEMBER(sp_sel),
    GH_MEMBER(pan),
    GH_MEMBER(uao),
    GH_MEMBER(dit),
    GH_MEMBER(ssbs),
    GH_MEMBER(il),
    GH_MEMBER(ss),
    GH_MEMBER(fpcr),
    GH_MEMBER(fpsr),
    GH_MEMBER(sp_el0),
    GH_MEMBER(sp_el1),
    GH_MEMBER(elr_el1),
    GH_MEMBER(spsr_el1),
    GH_MEMBER(esr_el1),
    GH_MEMBER(far_el1),
    GH_MEMBER(par_el1),
    GH_MEMBER(tpidr_el0),
    GH_MEMBER(tpidr_el1),
    GH_MEMBER(contextidr_el1),
};
#undef GH_MEMBER

[[nodiscard]] inline std::uint64_t value_of(const State& state, const StateMember& member) noexcept
{
    std::uint64_t value = 0;
    std::memcpy(&value, reinterpret_cast<const std::byte*>(&state) + member.offset, member.size);
    return value;
}

}  // namespace gh::cpu
