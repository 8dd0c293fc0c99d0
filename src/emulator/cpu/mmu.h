// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/platform.h"

#include <cstdint>
#include <variant>

namespace gh::cpu {

struct State;

/// Why a translation failed: the fault status code (DFSC/IFSC) of the exception.
struct Fault {
    std::uint8_t status = 0;
    AccessKind kind = AccessKind::Read;  // of external aborts: what stage 2 did not allow,
    std::uint64_t ipa = 0;               // and where
};

inline constexpr std::uint8_t kAddressSize = 0x00;
inline constexpr std::uint8_t kTranslation = 0x04;
inline constexpr std::uint8_t kAccessFlag = 0x08;
inline constexpr std::uint8_t kPermission = 0x0c;
inline constexpr std::uint8_t kExternalAbort = 0x10;
inline constexpr std::uint8_t kExternalAbortOnWalk = 0x14;
inline constexpr std::uint8_t kAlignment = 0x21;

/// Nothing at `ipa` that allows such an access.
constexpr Fault external_abort(std::uint64_t ipa, AccessKind kind)
{
    return {kExternalAbort, kind, ipa};
}
constexpr bool is_external(const Fault& fault)
{
    return fault.status == kExternalAbort || (fault.status & 0x3c) == kExternalAbortOnWalk;
}

/// What stage 1 says of one address.
struct Translation {
    std::uint64_t ipa = 0;
    std::uint64_t block_size = 0;  // bytes that one descriptor maps
    bool device = false;           // Device memory: no unaligned accesses
    std::uint8_t attributes = 0;   // MAIR byte
    std::uint8_t shareability = 0;
    bool global = true;
    bool user = false;  // accessible from EL0
    bool readable = false;
    bool writable = false;  // now: with DBM only after the first write
    bool executable = false;
};

using TranslationResult = std::variant<Translation, Fault>;

/// The stage 1 translation regime of EL1&0 (DDI 0487 D8): 4, 16 and 64 KiB granules, hardware
/// update of access flag and dirty state, PAN, E0PD, hierarchical attributes. Keeps no state: TLBs
/// are the caller's.
class Mmu {
public:
    Mmu(State& state, Platform& platform) : state_(state), platform_(platform) {}

    /// Translates `va` for an access with EL1's privilege or EL0's. A translation that succeeds has
    /// the permission `kind` asks for, and the descriptor's AF and dirty state are up to date.
    [[nodiscard]] TranslationResult translate(std::uint64_t va, AccessKind kind,
                                              bool privileged) noexcept;

    [[nodiscard]] bool enabled() const noexcept;
    /// The ASID that tags non-global translations now.
    [[nodiscard]] std::uint16_t asid() const noexcept;

private:
    State& state_;
    Platform& platform_;
};

}  // namespace gh::cpu
