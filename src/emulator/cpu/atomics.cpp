// SPDX-License-Identifier: BSD-3-Clause
// Exclusives, compare and swap, and the atomic memory operations of LSE (DDI 0487 C4.1.96). All are
// sequentially consistent here, which every ordering suffix allows. They work on RAM only: an
// atomic access to a device aborts, as on Gunyah.
#include "emulator/cpu/decode.h"
#include "emulator/cpu/operands.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#ifdef __x86_64__
#include <emmintrin.h>
#endif

namespace gh::cpu {
namespace {

using X = std::uint64_t;
__extension__ using Quad = unsigned __int128;

template <class T>
T* host_of(Cpu& cpu, const Insn* insn, Cpu::Atomic access)
{
    if (!cpu.base_is_aligned(insn, insn->rn))
        return nullptr;
    return reinterpret_cast<T*>(cpu.atomic_host(insn, cpu.state().x[insn->rn], sizeof(T), access));
}

template <class T>
T load_ordered(const T* host)
{
    return __atomic_load_n(host, __ATOMIC_SEQ_CST);
}

/// 16 bytes at once by compare and swap, for which they must be writable.
Quad load_by_swap(Quad* host)
{
    return __sync_val_compare_and_swap(host, Quad{0}, Quad{0});
}

#ifdef __x86_64__
/// Whether aligned 16-byte loads are atomic: Intel (SDM volume 3, 9.1.1) and AMD (APM volume 2,
/// 7.3.2) say so of all their processors with AVX.
bool loads_quads()
{
    static const bool kLoads = __builtin_cpu_supports("avx") != 0;
    return kLoads;
}

Quad load_ordered(Quad* host)
{
    if (!loads_quads())
        return load_by_swap(host);
    const __m128i value = _mm_load_si128(reinterpret_cast<const __m128i*>(host));
    std::atomic_signal_fence(std::memory_order_seq_cst);
    Quad result = 0;
    std::memcpy(&result, &value, sizeof(result));
    return result;
}
#else
constexpr bool loads_quads()
{
    return false;
}

Quad load_ordered(Quad* host)
{
    return load_by_swap(host);
}
#endif

template <class T>
bool swap_if(T* host, T expected, T desired)
{
    return __sync_bool_compare_and_swap(host, expected, desired);
}

Quad quad(X low, X high)
{
    return Quad{high} << 64 | low;
}

// ---- Exclusives. rd = Rt, rm = Rs (status), ra = Rt2.

template <class T>
const Insn* load_exclusive(Cpu& cpu, const Insn* insn) noexcept
{
    T* const host = host_of<T>(cpu, insn, Cpu::Atomic::Load);
    if (host == nullptr)
        return nullptr;
    const T value = load_ordered(host);
    cpu.exclusive() = {reinterpret_cast<std::byte*>(host), sizeof(T), {value, 0}};
    cpu.state().x[insn->rd] = value;
    return insn + 1;
}

/// With nothing reserved a store-exclusive fails without looking at its address, which need not be
/// one that can be stored to (golden mmio.stxr).
template <class T>
T* host_of_store_exclusive(Cpu& cpu, const Insn* insn, const Insn*& next)
{
    if (!cpu.base_is_aligned(insn, insn->rn) || !cpu.is_atomic_aligned(insn, sizeof(T), true))
        return nullptr;
    if (cpu.exclusive().host != nullptr)
        return host_of<T>(cpu, insn, Cpu::Atomic::Store);
    cpu.state().x[insn->rm] = 1;
    next = insn + 1;
    return nullptr;
}

/// Takes the reservation, whatever comes of it.
template <class T>
bool reserved(Cpu& cpu, const T* host, Exclusive& held)
{
    held = cpu.exclusive();
    cpu.exclusive().clear();
    return held.host == reinterpret_cast<const std::byte*>(host) && held.size == sizeof(T);
}

template <class T>
const Insn* store_exclusive(Cpu& cpu, const Insn* insn) noexcept
{
    const Insn* next = nullptr;
    T* const host = host_of_store_exclusive<T>(cpu, insn, next);
    if (host == nullptr)
        return next;
    Exclusive held;
    const bool done = reserved(cpu, host, held) && swap_if(host, static_cast<T>(held.value[0]),
                                                           static_cast<T>(cpu.state().x[insn->rd]));
    cpu.state().x[insn->rm] = done ? 0 : 1;
    return insn + 1;
}

/// Pairs of W are one doubleword.
const Insn* load_exclusive_pair_w(Cpu& cpu, const Insn* insn) noexcept
{
    X* const host = host_of<X>(cpu, insn, Cpu::Atomic::Load);
    if (host == nullptr)
        return nullptr;
    const X value = load_ordered(host);
    cpu.exclusive() = {reinterpret_cast<std::byte*>(host), sizeof(X), {value, 0}};
    cpu.state().x[insn->rd] = bits(value, 0, 32);
    cpu.state().x[insn->ra] = value >> 32;
    return insn + 1;
}

const Insn* store_exclusive_pair_w(Cpu& cpu, const Insn* insn) noexcept
{
    const Insn* next = nullptr;
    X* const host = host_of_store_exclusive<X>(cpu, insn, next);
    if (host == nullptr)
        return next;
    Exclusive held;
    const auto& x = cpu.state().x;
    const X value = bits(x[insn->rd], 0, 32) | x[insn->ra] << 32;
    const bool done = reserved(cpu, host, held) && swap_if(host, held.value[0], value);
    cpu.state().x[insn->rm] = done ? 0 : 1;
    return insn + 1;
}

const Insn* load_exclusive_pair_x(Cpu& cpu, const Insn* insn) noexcept
{
    Quad* const host =
        host_of<Quad>(cpu, insn, loads_quads() ? Cpu::Atomic::Load : Cpu::Atomic::Both);
    if (host == nullptr)
        return nullptr;
    const Quad value = load_ordered(host);
    const auto low = static_cast<X>(value);
    const auto high = static_cast<X>(value >> 64);
    cpu.exclusive() = {reinterpret_cast<std::byte*>(host), sizeof(Quad), {low, high}};
    cpu.state().x[insn->rd] = low;
    cpu.state().x[insn->ra] = high;
    return insn + 1;
}

const Insn* store_exclusive_pair_x(Cpu& cpu, const Insn* insn) noexcept
{
    const Insn* next = nullptr;
    Quad* const host = host_of_store_exclusive<Quad>(cpu, insn, next);
    if (host == nullptr)
        return next;
    Exclusive held;
    const auto& x = cpu.state().x;
    const bool done = reserved(cpu, host, held) && swap_if(host, quad(held.value[0], held.value[1]),
                                                           quad(x[insn->rd], x[insn->ra]));
    cpu.state().x[insn->rm] = done ? 0 : 1;
    return insn + 1;
}

// ---- Compare and swap. rm = Rs (expected, then the old value), rd = Rt (new).

template <class T>
const Insn* compare_and_swap(Cpu& cpu, const Insn* insn) noexcept
{
    T* const host = host_of<T>(cpu, insn, Cpu::Atomic::Both);
    if (host == nullptr)
        return nullptr;
    auto& x = cpu.state().x;
    const T old = __sync_val_compare_and_swap(host, static_cast<T>(x[source(insn->rm)]),
                                              static_cast<T>(x[insn->rd]));
    x[destination(insn->rm)] = old;
    return insn + 1;
}

const Insn* compare_and_swap_pair_w(Cpu& cpu, const Insn* insn) noexcept
{
    X* const host = host_of<X>(cpu, insn, Cpu::Atomic::Both);
    if (host == nullptr)
        return nullptr;
    auto& x = cpu.state().x;
    const auto pair = [&](unsigned first) {
        return bits(x[source(static_cast<std::uint8_t>(first))], 0, 32) |
               x[source(static_cast<std::uint8_t>(first + 1))] << 32;
    };
    const X old = __sync_val_compare_and_swap(host, pair(insn->rm), pair(insn->rd));
    x[insn->rm] = bits(old, 0, 32);
    x[destination(static_cast<std::uint8_t>(insn->rm + 1))] = old >> 32;
    return insn + 1;
}

const Insn* compare_and_swap_pair_x(Cpu& cpu, const Insn* insn) noexcept
{
    Quad* const host = host_of<Quad>(cpu, insn, Cpu::Atomic::Both);
    if (host == nullptr)
        return nullptr;
    auto& x = cpu.state().x;
    const auto pair = [&](unsigned first) {
        return quad(x[first], x[source(static_cast<std::uint8_t>(first + 1))]);
    };
    const Quad old = __sync_val_compare_and_swap(host, pair(insn->rm), pair(insn->rd));
    x[insn->rm] = static_cast<X>(old);
    x[destination(static_cast<std::uint8_t>(insn->rm + 1))] = static_cast<X>(old >> 64);
    return insn + 1;
}

// ---- Atomic memory operations. rm = Rs (operand), rd = Rt (the old value).

template <class T>
using Combine = T (*)(T old, T operand);

template <class T>
T add(T a, T b)
{
    return static_cast<T>(a + b);
}
template <class T>
T clear(T a, T b)
{
    return static_cast<T>(a & ~b);
}
template <class T>
T exclusive_or(T a, T b)
{
    return static_cast<T>(a ^ b);
}
template <class T>
T set(T a, T b)
{
    return static_cast<T>(a | b);
}
template <class T>
T smax(T a, T b)
{
    using S = std::make_signed_t<T>;
    return static_cast<S>(a) > static_cast<S>(b) ? a : b;
}
template <class T>
T smin(T a, T b)
{
    using S = std::make_signed_t<T>;
    return static_cast<S>(a) < static_cast<S>(b) ? a : b;
}
template <class T>
T umax(T a, T b)
{
    return std::max(a, b);
}
template <class T>
T umin(T a, T b)
{
    return std::min(a, b);
}
template <class T>
T swap(T, T b)
{
    return b;
}

template <class T, Combine<T> kCombine>
const Insn* fetch_and_combine(Cpu& cpu, const Insn* insn) noexcept
{
    T* const host = host_of<T>(cpu, insn, Cpu::Atomic::Both);
    if (host == nullptr)
        return nullptr;
    const T operand = reg<T>(cpu, insn->rm);
    T old = __atomic_load_n(host, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(host, &old, kCombine(old, operand), true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED)) {
    }
    cpu.state().x[insn->rd] = old;
    return insn + 1;
}

Handler pick(std::uint32_t word, const std::array<Handler, 4>& handlers)
{
    return handlers[bits(word, 30, 2)];
}

void fill(std::uint32_t word, Insn& insn)
{
    insn.rd = rd_of(word);
    insn.rn = field5(word, 5);
    insn.rm = rm_of(word);
}

Handler translate_load_exclusive(std::uint32_t word, Insn& insn)
{
    fill(word, insn);
    return pick(word, {load_exclusive<std::uint8_t>, load_exclusive<std::uint16_t>,
                       load_exclusive<std::uint32_t>, load_exclusive<X>});
}

Handler translate_store_exclusive(std::uint32_t word, Insn& insn)
{
    insn.rd = source(field5(word, 0));
    insn.rn = field5(word, 5);
    insn.rm = destination(field5(word, 16));
    return pick(word, {store_exclusive<std::uint8_t>, store_exclusive<std::uint16_t>,
                       store_exclusive<std::uint32_t>, store_exclusive<X>});
}

}  // namespace

Handler STXR(std::uint32_t word, Insn& insn)
{
    return translate_store_exclusive(word, insn);
}
Handler STLXR(std::uint32_t word, Insn& insn)
{
    return translate_store_exclusive(word, insn);
}
Handler LDXR(std::uint32_t word, Insn& insn)
{
    return translate_load_exclusive(word, insn);
}
Handler LDAXR(std::uint32_t word, Insn& insn)
{
    return translate_load_exclusive(word, insn);
}

Handler STXP(std::uint32_t word, Insn& insn)
{
    insn.rd = source(field5(word, 0));
    insn.rn = field5(word, 5);
    insn.rm = destination(field5(word, 16));
    insn.ra = ra_of(word);
    return bit(word, 30) ? store_exclusive_pair_x : store_exclusive_pair_w;
}

Handler LDXP(std::uint32_t word, Insn& insn)
{
    insn.rd = rd_of(word);
    insn.rn = field5(word, 5);
    insn.ra = destination(field5(word, 10));
    return bit(word, 30) ? load_exclusive_pair_x : load_exclusive_pair_w;
}

Handler CAS(std::uint32_t word, Insn& insn)
{
    insn.rd = source(field5(word, 0));
    insn.rn = field5(word, 5);
    insn.rm = field5(word, 16);
    return pick(word, {compare_and_swap<std::uint8_t>, compare_and_swap<std::uint16_t>,
                       compare_and_swap<std::uint32_t>, compare_and_swap<X>});
}

Handler CASP(std::uint32_t word, Insn& insn)
{
    insn.rd = field5(word, 0);
    insn.rn = field5(word, 5);
    insn.rm = field5(word, 16);
    if (((insn.rd | insn.rm) & 1) != 0)
        return nullptr;
    return bit(word, 30) ? compare_and_swap_pair_x : compare_and_swap_pair_w;
}

#define ATOMIC(name, combine)                                                        \
    Handler name(std::uint32_t word, Insn& insn)                                     \
    {                                                                                \
        fill(word, insn);                                                            \
        return pick(word, {fetch_and_combine<std::uint8_t, combine<std::uint8_t>>,   \
                           fetch_and_combine<std::uint16_t, combine<std::uint16_t>>, \
                           fetch_and_combine<std::uint32_t, combine<std::uint32_t>>, \
                           fetch_and_combine<X, combine<X>>});                       \
    }
ATOMIC(LDADD, add)
ATOMIC(LDCLR, clear)
ATOMIC(LDEOR, exclusive_or)
ATOMIC(LDSET, set)
ATOMIC(LDSMAX, smax)
ATOMIC(LDSMIN, smin)
ATOMIC(LDUMAX, umax)
ATOMIC(LDUMIN, umin)
ATOMIC(SWP, swap)
#undef ATOMIC

}  // namespace gh::cpu
