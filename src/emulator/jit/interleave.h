// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/jit/emitter.h"

namespace gh::jit {

/// `count` (2 to 4) V registers from `first` on, of `size` bytes, and `count` * `size` bytes of
/// memory in which their lanes of 1 << log2_size bytes lie in turn, as LD2 and ST2 have it.
struct Interleaved {
    x86::Mem memory;
    unsigned first;
    unsigned count;
    unsigned size;
    unsigned log2_size;
};

/// Spoil xmm0, xmm1.
void load_interleaved(Emitter& e, const Interleaved& structures);
void store_interleaved(Emitter& e, const Interleaved& structures);

}  // namespace gh::jit
