// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace gh::cpu {

struct Block;
struct Exclusive;
class Profile;
struct State;
class Tlb;

/// A second tier: turns blocks that are entered often into host code. One per PE; everything here
/// is called on the thread that runs the PE.
class Translator {
public:
    Translator() = default;
    Translator(const Translator&) = delete;
    Translator& operator=(const Translator&) = delete;
    virtual ~Translator() = default;

    /// Entries of a block before it is worth translating.
    [[nodiscard]] virtual std::uint32_t threshold() const noexcept = 0;
    /// `block`, the current one, was entered threshold() times. May change its gate's handler,
    /// which the next entry calls instead of counting. Blocks stay where they are until
    /// Cpu::code_generation() changes.
    virtual void translate(Block& block) noexcept = 0;
    /// Guest code in the page of `host` changed: its blocks may not be entered any more.
    virtual void forget_page(const std::byte* host) noexcept = 0;
};

/// Words that only translated code uses.
struct TranslatorScratch {
    std::uint32_t flags = 0;           // NZCV between units
    std::uint32_t owns_fp_status = 0;  // MXCSR has flags that State::fpsr lacks (jit/stubs.h)
    std::uint32_t fp_status = 0;       // MXCSR on its way there
};

/// Where translated code finds what it needs of a Cpu. Valid for the Cpu's lifetime.
struct HotState {
    State* state;
    Block** block;
    const std::atomic<std::uint32_t>* attention;
    const std::atomic<bool>* irq;  // the level of the interrupt line
    Exclusive* exclusive;
    TranslatorScratch* scratch;
    Tlb* kernel_tlb;
    Tlb* user_tlb;
    Profile* profile;  // where host code counts; nullptr: nowhere
};

}  // namespace gh::cpu
