// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "rig.h"

#include <bit>

namespace gh::cpu::test {

/// A PE with SIMD enabled that runs one instruction at a time, each at a place of its own.
class SimdRig {
public:
    SimdRig()
    {
        state().cpacr_el1 = 3u << 20;
        rig_.cpu.reset(Rig::kRam, 0);
    }

    State& state() { return rig_.cpu.state(); }
    Vreg& v(unsigned n) { return state().v.at(n); }
    std::uint64_t& d(unsigned n) { return v(n).d[0]; }
    std::uint64_t& x(unsigned n) { return state().x.at(n); }

    /// False: it took an exception (there are no vectors, so the PE can only be found looping).
    bool run(std::uint32_t word)
    {
        rig_.put(next_, {word, Rig::kHvc});
        state().pc = next_;
        next_ += 8;
        return rig_.run() == Exit::Requested;
    }

    /// Memory for loads and stores, behind the code.
    static constexpr std::uint64_t kData = Rig::kRam + 0x8000;
    std::byte* data() { return &rig_.ram[kData - Rig::kRam]; }

private:
    Rig rig_{Rig::kHvc};
    std::uint64_t next_ = Rig::kRam + 8;
};

inline std::uint64_t bits_of(double value)
{
    return std::bit_cast<std::uint64_t>(value);
}
inline std::uint64_t bits_of(float value)
{
    return std::bit_cast<std::uint32_t>(value);
}

}  // namespace gh::cpu::test
