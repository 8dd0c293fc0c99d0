// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/insn.h"
#include "emulator/cpu/translator.h"
#include "emulator/jit/code_memory.h"

#include <array>
#include <cstdint>

namespace gh::jit {

class Jit;

/// One entry of the table by which indirect branches find units: the code at `va`, while its page
/// is mapped by `addend`.
struct JumpEntry {
    std::uint64_t va = ~std::uint64_t{0};
    std::uintptr_t addend = 0;
    const void* entry = nullptr;
    std::uint64_t unused = 0;
};

/// Return prediction: a guest's call is a host call, so that the host predicts where it returns. It
/// leaves on the host's stack, from the top, the place in the caller's unit to return to and X30;
/// RET returns there if it goes to that X30. At the bottom lies a place that looks the target up.
/// Only host code's own: whatever leaves host code leaves nothing of it behind.
struct HostStack {
    static constexpr std::uintptr_t kSize =
        32768;  // bytes: so many calls, then from the bottom again

    std::uintptr_t bottom = 0;  // rsp when no call is open
    std::uintptr_t limit = 0;   // no call goes on below
};

/// What every unit shares: the ways in and out of host code. Made once per PE.
///
/// The host's floating-point status (MXCSR) is the guest's while TranslatorScratch::owns_fp_status
/// is set: code that computes for the guest claims it, which clears its flags, and every way to C++
/// gives it back, which adds them to State::fpsr. So C++ finds FPSR complete, and may compute with
/// the host's numbers as it likes.
struct Stubs {
    static constexpr std::size_t kJumps = 4096;
    using JumpTable = std::array<JumpEntry, kJumps>;

    using Enter = const cpu::Insn* (*)(const void* entry, cpu::State* state, cpu::Tlb* tlb);

    Enter enter = nullptr;
    const void* call_handler = nullptr;       // rax = Insn, rcx = Block; all guest state around it
    const void* call_simd_handler = nullptr;  // the same, for handlers that only touch V registers
    // Equal: the host's status is the guest's now. Not equal: it was already, or FPCR asks for what
    // the host does not do by itself. Spoils EFLAGS alone.
    const void* claim_fp_status = nullptr;
    const void* leave_by_link = nullptr;        // rax = Link
    std::array<const void*, 2> leave_to_rax{};  // by exception level
    std::array<JumpTable*, 2> jumps{};          // by exception level
    HostStack* stack = nullptr;

    /// Emits them into `memory`; `jit` answers what they ask.
    static Stubs make(CodeMemory& memory, const cpu::HotState& hot, Jit& jit, cpu::Cpu& cpu);

    [[nodiscard]] static JumpEntry& slot(JumpTable& table, std::uint64_t va) noexcept
    {
        return table[(va / 4) % kJumps];
    }
};

}  // namespace gh::jit
