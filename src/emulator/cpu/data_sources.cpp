// SPDX-License-Identifier: BSD-3-Clause
// Data processing with one, two and three sources: division, shifts, CRC, bit counts,
// multiplication (DDI 0487 C4.1.95).
#include "emulator/cpu/decode.h"
#include "emulator/cpu/operands.h"

#include <array>
#include <bit>

namespace gh::cpu {
namespace {

using W = std::uint32_t;
using X = std::uint64_t;

/// An instruction that is a function of two registers.
template <class T, T (*kFunction)(T, T)>
const Insn* two_sources(Cpu& cpu, const Insn* insn) noexcept
{
    set_reg<T>(cpu, insn->rd, kFunction(reg<T>(cpu, insn->rn), reg<T>(cpu, insn->rm)));
    return insn + 1;
}

template <class T, T (*kFunction)(T)>
const Insn* one_source(Cpu& cpu, const Insn* insn) noexcept
{
    set_reg<T>(cpu, insn->rd, kFunction(reg<T>(cpu, insn->rn)));
    return insn + 1;
}

/// A Handler for X or W forms, with rd, rn and rm filled in.
Handler translate(std::uint32_t word, Insn& insn, Handler wide, Handler narrow)
{
    insn.rd = rd_of(word);
    insn.rn = rn_of(word);
    insn.rm = rm_of(word);
    return is_wide(word) ? wide : narrow;
}

template <class T>
T udiv(T a, T b)
{
    return b == 0 ? T{0} : static_cast<T>(a / b);
}

template <class T>
T sdiv(T a, T b)
{
    using S = std::make_signed_t<T>;
    if (b == 0)
        return 0;
    if (b == static_cast<T>(-1))
        return static_cast<T>(0 - a);  // also the one quotient that overflows
    return static_cast<T>(static_cast<S>(a) / static_cast<S>(b));
}

template <class T>
T lslv(T a, T b)
{
    return static_cast<T>(a << (b % kWidth<T>));
}

template <class T>
T lsrv(T a, T b)
{
    return static_cast<T>(a >> (b % kWidth<T>));
}

template <class T>
T asrv(T a, T b)
{
    return static_cast<T>(static_cast<std::make_signed_t<T>>(a) >> (b % kWidth<T>));
}

template <class T>
T rorv(T a, T b)
{
    return std::rotr(a, static_cast<int>(b % kWidth<T>));
}

template <class T>
T rbit(T value)
{
    constexpr auto k1 = static_cast<T>(0x5555'5555'5555'5555);
    constexpr auto k2 = static_cast<T>(0x3333'3333'3333'3333);
    constexpr auto k4 = static_cast<T>(0x0f0f'0f0f'0f0f'0f0f);
    value = static_cast<T>((value >> 1 & k1) | (value & k1) << 1);
    value = static_cast<T>((value >> 2 & k2) | (value & k2) << 2);
    value = static_cast<T>((value >> 4 & k4) | (value & k4) << 4);
    if constexpr (sizeof(T) == 8)
        return __builtin_bswap64(value);
    else
        return __builtin_bswap32(value);
}

template <class T>
T rev16(T value)
{
    constexpr auto kLow = static_cast<T>(0x00ff'00ff'00ff'00ff);
    return static_cast<T>((value >> 8 & kLow) | (value & kLow) << 8);
}

template <class T>
T rev32(T value)
{
    if constexpr (sizeof(T) == 8)
        return std::rotl(__builtin_bswap64(value), 32);
    else
        return __builtin_bswap32(value);
}

X rev64(X value)
{
    return __builtin_bswap64(value);
}

template <class T>
T clz(T value)
{
    return static_cast<T>(std::countl_zero(value));
}

template <class T>
T cls(T value)
{
    const auto sign = static_cast<T>(static_cast<std::make_signed_t<T>>(value) >> (kWidth<T> - 1));
    return static_cast<T>(std::countl_zero(static_cast<T>(value ^ sign)) - 1);
}

// ---- CRC-32 and CRC-32C, reflected, a byte at a time.

constexpr std::array<W, 256> crc_table(W polynomial)
{
    std::array<W, 256> table{};
    for (W i = 0; i < 256; ++i) {
        W value = i;
        for (int step = 0; step < 8; ++step)
            value = value >> 1 ^ ((value & 1) != 0 ? polynomial : 0);
        table[i] = value;
    }
    return table;
}

constexpr auto kCrc32 = crc_table(0xedb8'8320);
constexpr auto kCrc32c = crc_table(0x82f6'3b78);

template <unsigned kBytes, bool kCastagnoli>
const Insn* crc32(Cpu& cpu, const Insn* insn) noexcept
{
    const auto& table = kCastagnoli ? kCrc32c : kCrc32;
    auto crc = reg<W>(cpu, insn->rn);
    X value = reg<X>(cpu, insn->rm);
    for (unsigned i = 0; i < kBytes; ++i, value >>= 8)
        crc = crc >> 8 ^ table[(crc ^ value) & 0xff];
    set_reg<W>(cpu, insn->rd, crc);
    return insn + 1;
}

// ---- Multiplication

template <class T, bool kSubtract>
const Insn* multiply_add(Cpu& cpu, const Insn* insn) noexcept
{
    const T product = static_cast<T>(reg<T>(cpu, insn->rn) * reg<T>(cpu, insn->rm));
    const T addend = reg<T>(cpu, insn->ra);
    set_reg<T>(cpu, insn->rd, static_cast<T>(kSubtract ? addend - product : addend + product));
    return insn + 1;
}

template <bool kSigned, bool kSubtract>
const Insn* multiply_add_long(Cpu& cpu, const Insn* insn) noexcept
{
    const X n = reg<W>(cpu, insn->rn);
    const X m = reg<W>(cpu, insn->rm);
    const X product = kSigned ? sign_extend(n, 32) * sign_extend(m, 32) : n * m;
    const X addend = reg<X>(cpu, insn->ra);
    set_reg<X>(cpu, insn->rd, kSubtract ? addend - product : addend + product);
    return insn + 1;
}

__extension__ using Wide = unsigned __int128;
__extension__ using SignedWide = __int128;

X umulh(X a, X b)
{
    return static_cast<X>(Wide{a} * b >> 64);
}

X smulh(X a, X b)
{
    const auto product = SignedWide{static_cast<std::int64_t>(a)} * static_cast<std::int64_t>(b);
    return static_cast<X>(static_cast<Wide>(product) >> 64);
}

Handler translate_long(std::uint32_t word, Insn& insn, Handler handler)
{
    insn.ra = ra_of(word);
    return translate(word, insn, handler, nullptr);
}

}  // namespace

#define TWO_SOURCES(name, function)                                                             \
    Handler name(std::uint32_t word, Insn& insn)                                                \
    {                                                                                           \
        return translate(word, insn, two_sources<X, function<X>>, two_sources<W, function<W>>); \
    }
TWO_SOURCES(UDIV, udiv)
TWO_SOURCES(SDIV, sdiv)
TWO_SOURCES(LSLV, lslv)
TWO_SOURCES(LSRV, lsrv)
TWO_SOURCES(ASRV, asrv)
TWO_SOURCES(RORV, rorv)
#undef TWO_SOURCES

#define ONE_SOURCE(name, function)                                                            \
    Handler name(std::uint32_t word, Insn& insn)                                              \
    {                                                                                         \
        return translate(word, insn, one_source<X, function<X>>, one_source<W, function<W>>); \
    }
ONE_SOURCE(RBIT, rbit)
ONE_SOURCE(REV16, rev16)
ONE_SOURCE(REV32, rev32)
ONE_SOURCE(CLZ, clz)
ONE_SOURCE(CLS, cls)
#undef ONE_SOURCE

Handler REV64(std::uint32_t word, Insn& insn)
{
    return translate(word, insn, one_source<X, rev64>, nullptr);
}

Handler CRC32(std::uint32_t word, Insn& insn)
{
    static constexpr std::array<Handler, 8> kHandlers{
        crc32<1, false>, crc32<2, false>, crc32<4, false>, crc32<8, false>,
        crc32<1, true>,  crc32<2, true>,  crc32<4, true>,  crc32<8, true>};
    const auto size = bits(word, 10, 2);
    if (is_wide(word) != (size == 3))
        return nullptr;
    const Handler handler = kHandlers[bits(word, 10, 3)];
    return translate(word, insn, handler, handler);
}

Handler MADD(std::uint32_t word, Insn& insn)
{
    insn.ra = ra_of(word);
    return translate(word, insn, multiply_add<X, false>, multiply_add<W, false>);
}

Handler MSUB(std::uint32_t word, Insn& insn)
{
    insn.ra = ra_of(word);
    return translate(word, insn, multiply_add<X, true>, multiply_add<W, true>);
}

Handler SMADDL(std::uint32_t word, Insn& insn)
{
    return translate_long(word, insn, multiply_add_long<true, false>);
}

Handler SMSUBL(std::uint32_t word, Insn& insn)
{
    return translate_long(word, insn, multiply_add_long<true, true>);
}

Handler UMADDL(std::uint32_t word, Insn& insn)
{
    return translate_long(word, insn, multiply_add_long<false, false>);
}

Handler UMSUBL(std::uint32_t word, Insn& insn)
{
    return translate_long(word, insn, multiply_add_long<false, true>);
}

Handler SMULH(std::uint32_t word, Insn& insn)
{
    return translate(word, insn, two_sources<X, smulh>, nullptr);
}

Handler UMULH(std::uint32_t word, Insn& insn)
{
    return translate(word, insn, two_sources<X, umulh>, nullptr);
}

}  // namespace gh::cpu
