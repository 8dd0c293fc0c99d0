// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/call.h"
#include "emulator/hyp/doorbell.h"

#include <array>
#include <cstdint>
#include <deque>

namespace gh::hyp {

/// Gunyah's hypercalls as a guest may use them. A guest's capabilities are the receiving ends of
/// its doorbells, numbered from 0; whatever else it names gets the error that real Gunyah gives
/// (gunyah-guest-abi.md section 4, golden "hyp.*", "hvc.imm.*").
class Hypercalls {
public:
    /// Version 1, 64 bits, little endian, variant 'Q'.
    static constexpr std::uint64_t kApiInfo = 0x5100'0000'0000'8001;

    explicit Hypercalls(std::deque<Doorbell>& doorbells) : doorbells_(doorbells) {}

    /// HVC #0x6000 + n: results in x0..x7, x9 is the return address, x10..x17 are zero.
    After by_immediate(Call& call, std::uint16_t immediate) noexcept;
    [[nodiscard]] static bool is_immediate(std::uint16_t immediate) noexcept;
    /// SMCCC 0xc6008000 | n with the arguments one register higher: only results are written.
    After by_function(Call& call, unsigned number) noexcept;

private:
    using Arguments = std::array<std::uint64_t, 8>;
    /// An error and what the call returns beside it.
    struct Answer {
        std::uint64_t error = 0;
        std::array<std::uint64_t, 4> output{};
    };

    Answer answer(unsigned number, const Arguments& in) noexcept;
    Answer identify() const noexcept;
    Answer entropy(std::uint64_t bytes) const noexcept;
    Answer yield(const Arguments& in) const noexcept;
    Answer doorbell(unsigned number, const Arguments& in) noexcept;

    std::deque<Doorbell>& doorbells_;
};

}  // namespace gh::hyp
