/* SPDX-License-Identifier: BSD-3-Clause */
/* What the differential tester and its oracle share: a memory file with a batch of cases. Read by C
 * (oracle.c, freestanding arm64) and C++. */
#pragma once

#ifdef __cplusplus
#include <cstdint>
namespace gh::differential {
using std::uint32_t;
using std::uint64_t;
#else
#include <stdint.h>
#endif

enum {
    kSlots = 256,    /* pieces of code in a batch */
    kSlotWords = 16, /* the first restores x30, the last branches to kExitAddress */
    kRepeats = 8,    /* cases per slot: the same code from different registers */
    kCases = kSlots * kRepeats,
    kWindowSize = 0x4000,
};

/* The places both sides agree on. Everything around them is unmapped. */
#define kCodeAddress 0x10000000u
#define kExitAddress 0x10800000u
#define kWindowAddress 0x20000000u

/* "mrs x30, tpidr_el0": the oracle has no register left to jump with, so it parks x30. */
#define kRestoreX30 0xd53bd05eu

struct Registers {
    uint64_t x[31];
    uint64_t sp;
    uint64_t pc; /* in: where to begin. out: of the instruction that faulted; else 0 */
    uint64_t fault_address;
    uint32_t nzcv; /* bits 31:28 */
    uint32_t fpcr;
    uint32_t fpsr;
    uint32_t signal; /* out: 0, or what Linux would send: SIGILL, SIGTRAP, SIGBUS, SIGSEGV */
    uint64_t v[64];
};

/* Cases run in their order on one window, which is not reset in between: case n of slot n /
 * kRepeats. */
struct Batch {
    uint32_t code[kSlots][kSlotWords];
    uint64_t window[kWindowSize / 8]; /* in and out */
    struct Registers cases[kCases];   /* in and out */
};

#ifdef __cplusplus
static_assert(sizeof(Registers) == 800);
}  // namespace gh::differential
#endif
