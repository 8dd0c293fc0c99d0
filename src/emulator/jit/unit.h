// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/cpu/block_cache.h"
#include "emulator/cpu/decode.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace gh::jit {

struct Unit;

/// One way out of a unit to an address known when translating. Code jumps through `go`, so linking
/// and unlinking change data, never code.
struct Link {
    const void* go = nullptr;   // the target's entry, or the thunk that asks for it
    std::uintptr_t addend = 0;  // cross-page: `go` holds while the target's page is mapped so
    const void* thunk = nullptr;
    std::uint64_t target = 0;
    Unit* leads_to = nullptr;
    Link* next_incoming = nullptr;  // of those that lead to the same unit
    bool within_page = false;
};

/// One translated run of blocks.
struct Unit {
    const void* entry = nullptr;
    cpu::Block* head = nullptr;
    Link* incoming = nullptr;
    Unit* next_of_page = nullptr;
    cpu::Handler count_entry = nullptr;  // what the head's gate did before
    std::uint32_t size = 0;              // of its host code, bytes
};

class Emitter;
struct Item;
/// Emits host code for one instruction. False: nothing was emitted, call its handler instead.
using Template = bool (*)(Emitter& e, const Item& item);

/// What a template does to NZCV, for the liveness of flags.
struct Traits {
    bool reads = false;
    bool writes = false;  // all of them
    bool quiet = false;   // cannot fault or leave: nobody else sees the flags meanwhile
    bool ends = false;    // emits all ways out of the unit itself
};

struct Row {
    Template emit = nullptr;
    Traits traits{};
};

/// One instruction to be translated.
struct Item {
    std::uint64_t va = 0;
    std::uint32_t word = 0;
    const cpu::Insn* insn = nullptr;
    cpu::Block* block = nullptr;
    Row row;
    bool flags_live = true;  // somebody may see the flags as they are before this instruction
    bool last_of_block = false;
    bool continues = false;        // the next item is where a branch not taken (or B) goes on
    bool continues_taken = false;  // it is where a conditional branch leads if taken
};

using Items = std::vector<Item>;

}  // namespace gh::jit
