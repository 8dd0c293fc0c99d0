// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/bits.h"

#include <array>
#include <cstdint>

namespace gh::jit {

/// Which V registers host registers hold at one place of a unit: xmm4 to xmm15, for as long as
/// straight code runs. Between units, and wherever C++ code may look, memory has all of them.
class VectorHomes {
public:
    static constexpr unsigned kFirst = 4;
    static constexpr unsigned kEnd = 16;
    static constexpr unsigned kNone = 0;

    /// The host register that holds `v`, now used; kNone: none does.
    unsigned find(unsigned v) noexcept
    {
        for (unsigned host = kFirst; host < kEnd; ++host)
            if (bit(held_, host) && guest_.at(host) == v) {
                used_.at(host) = ++clock_;
                return host;
            }
        return kNone;
    }

    /// The register to hold another one: a free one, or the one that was not used for longest, at
    /// least kEnd - kFirst - 1 others after it.
    [[nodiscard]] unsigned next() const noexcept
    {
        unsigned best = kFirst;
        for (unsigned host = kFirst; host < kEnd; ++host) {
            if (!bit(held_, host))
                return host;
            if (used_.at(host) < used_.at(best))
                best = host;
        }
        return best;
    }

    void hold(unsigned host, unsigned v) noexcept
    {
        held_ |= 1u << host;
        dirty_ &= ~(1u << host);
        guest_.at(host) = static_cast<std::uint8_t>(v);
        used_.at(host) = ++clock_;
    }

    [[nodiscard]] bool holds(unsigned host) const noexcept { return bit(held_, host); }
    [[nodiscard]] unsigned guest(unsigned host) const noexcept { return guest_.at(host); }
    /// Whether `host` has what memory does not.
    [[nodiscard]] bool dirty(unsigned host) const noexcept { return bit(dirty_, host); }
    void set_dirty(unsigned host) noexcept { dirty_ |= 1u << host; }
    void set_clean(unsigned host) noexcept { dirty_ &= ~(1u << host); }
    void forget() noexcept { held_ = dirty_ = 0; }
    [[nodiscard]] bool empty() const noexcept { return held_ == 0; }

    /// Whether all that `other` holds is held here by the same host registers.
    [[nodiscard]] bool include(const VectorHomes& other) const noexcept
    {
        for (unsigned host = kFirst; host < kEnd; ++host)
            if (other.holds(host) && !(holds(host) && guest(host) == other.guest(host)))
                return false;
        return true;
    }
    /// The same without the host registers of `other`.
    [[nodiscard]] VectorHomes without(const VectorHomes& other) const noexcept
    {
        VectorHomes rest = *this;
        rest.held_ &= ~other.held_;
        rest.dirty_ &= ~other.held_;
        return rest;
    }

private:
    std::uint32_t held_ = 0;  // by host register
    std::uint32_t dirty_ = 0;
    std::array<std::uint8_t, kEnd> guest_{};
    std::array<std::uint32_t, kEnd> used_{};
    std::uint32_t clock_ = 0;
};

}  // namespace gh::jit
