// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/cpu.h"
#include "emulator/cpu/footprint.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gh::cpu {

/// Takes a PE and its memory back to where they were a few instructions ago, so that the same
/// instructions can run again in another tier. For a PE that is alone in its cluster (stores of
/// others would be undone) and on the thread that runs it. Flags that table walks set in
/// descriptors stay set, as a walk may set them early.
class Rewind {
public:
    /// Guest memory that may have been stored to.
    struct Stored {
        std::uint64_t va;
        std::byte* host;
        std::size_t size;
        std::array<std::byte, 64> before;
        std::array<std::byte, 64> after;  // when undo() was called
    };

    explicit Rewind(Cpu& cpu) : cpu_(cpu) {}

    /// The place to go back to. Until the next round of Cpu::run(), branches only say where they
    /// lead, in State::pc, and handlers return nullptr for them.
    void mark() noexcept;
    /// To be called before each access. False: it would reach a device, whose effects cannot be
    /// undone. Remembers what it may overwrite.
    [[nodiscard]] bool expect(const Footprint& access) noexcept;
    /// State, monitor and memory as at mark(). Pages that an access had to walk for are forgotten,
    /// so that it must walk again.
    void undo() noexcept;

    [[nodiscard]] const State& before() const noexcept { return state_; }
    /// Since mark(), in order; parts may overlap.
    [[nodiscard]] std::span<const Stored> stored() const noexcept { return stored_; }

private:
    struct Walked {
        Tlb* tlb;
        std::uint64_t va;
    };

    [[nodiscard]] bool expect_within_page(const Footprint& part) noexcept;

    Cpu& cpu_;
    State state_;
    Exclusive exclusive_;
    Block* block_ = nullptr;
    Tlb* tlb_ = nullptr;
    std::uint16_t context_ = 0;
    Cpu::Step step_{};
    unsigned fruitless_exceptions_ = 0;
    std::vector<Stored> stored_;
    std::vector<Walked> walked_;
};

}  // namespace gh::cpu
