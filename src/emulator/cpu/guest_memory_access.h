// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <cstring>

namespace gh::cpu {

// Guest memory is shared with other PEs, the VMM and its devices without locks: races in it are the
// guest's business. The compiler makes one access of each copy of 1, 2, 4 or 8 bytes, which is what
// single-copy atomicity asks; thread sanitizer is told not to look.
#if defined(__clang__) || defined(__GNUC__)
#define GH_GUEST_RACES __attribute__((no_sanitize("thread")))
#else
#define GH_GUEST_RACES
#endif

template <class T>
GH_GUEST_RACES inline T read_guest(std::uintptr_t host) noexcept
{
    T value;
    __builtin_memcpy(&value, reinterpret_cast<const void*>(host), sizeof(T));
    return value;
}

template <class T>
GH_GUEST_RACES inline void write_guest(std::uintptr_t host, const T& value) noexcept
{
    __builtin_memcpy(reinterpret_cast<void*>(host), &value, sizeof(T));
}

}  // namespace gh::cpu
