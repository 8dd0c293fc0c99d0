// SPDX-License-Identifier: BSD-3-Clause
// FEAT_SHA1, FEAT_SHA256, FEAT_SHA512 (DDI 0487, C4.1; FIPS 180-4).
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

using Words = Lanes<std::uint32_t>;

constexpr auto kChoose = [](auto x, auto y, auto z) { return ((y ^ z) & x) ^ z; };
constexpr auto kParity = [](auto x, auto y, auto z) { return x ^ y ^ z; };
constexpr auto kMajority = [](auto x, auto y, auto z) { return (x & y) | ((x | y) & z); };

/// rotr(a) ^ rotr(b) ^ rotr(c), FIPS 180-4's large sigmas.
template <class T>
constexpr T rotations(T x, int a, int b, int c)
{
    return std::rotr(x, a) ^ std::rotr(x, b) ^ std::rotr(x, c);
}

/// Its small sigmas end with a shift.
template <class T>
constexpr T rotations_and_shift(T x, int a, int b, int c)
{
    return std::rotr(x, a) ^ std::rotr(x, b) ^ x >> c;
}

/// Four rounds: rd holds a, b, c, d, rn's lowest lane e, rm schedule plus constant.
template <class F>
Handler sha1_rounds(std::uint32_t word, Insn& insn, F)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        Words x = lanes_of<std::uint32_t>(state.v[in.rd]);
        const Words w = lanes_of<std::uint32_t>(state.v[in.rm]);
        std::uint32_t y = lanes_of<std::uint32_t>(state.v[in.rn])[0];
        for (const std::uint32_t scheduled : w) {
            const std::uint32_t next = std::rotl(x[0], 5) + F{}(x[1], x[2], x[3]) + y + scheduled;
            y = x[3];
            x = {next, x[0], std::rotl(x[1], 30), x[2]};
        }
        state.v[in.rd] = vreg_of<std::uint32_t>(x);
    });
}

/// Four rounds of SHA-256 on x = a, b, c, d and y = e, f, g, h.
void sha256_rounds(Words& x, Words& y, const Words& w)
{
    for (const std::uint32_t scheduled : w) {
        const std::uint32_t t1 =
            y[3] + rotations(y[0], 6, 11, 25) + kChoose(y[0], y[1], y[2]) + scheduled;
        const std::uint32_t t2 = rotations(x[0], 2, 13, 22) + kMajority(x[0], x[1], x[2]);
        y = {x[3] + t1, y[0], y[1], y[2]};
        x = {t1 + t2, x[0], x[1], x[2]};
    }
}

}  // namespace

Handler SHA1C(std::uint32_t word, Insn& insn)
{
    return sha1_rounds(word, insn, kChoose);
}

Handler SHA1P(std::uint32_t word, Insn& insn)
{
    return sha1_rounds(word, insn, kParity);
}

Handler SHA1M(std::uint32_t word, Insn& insn)
{
    return sha1_rounds(word, insn, kMajority);
}

Handler SHA1H(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        const std::uint32_t e = lanes_of<std::uint32_t>(state.v[in.rn])[0];
        state.v[in.rd] = vreg_of<std::uint32_t>({std::rotl(e, 30)});
    });
}

Handler SHA1SU0(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        const Vreg d = state.v[in.rd];
        const Vreg n = state.v[in.rn];
        const Vreg m = state.v[in.rm];
        state.v[in.rd] = {{d.d[1] ^ d.d[0] ^ m.d[0], n.d[0] ^ d.d[1] ^ m.d[1]}};
    });
}

Handler SHA1SU1(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        Words d = lanes_of<std::uint32_t>(state.v[in.rd]);
        const Words n = lanes_of<std::uint32_t>(state.v[in.rn]);
        for (unsigned i = 0; i < 3; ++i)
            d[i] = std::rotl(d[i] ^ n[i + 1], 1);
        d[3] = std::rotl(d[3], 1) ^ std::rotl(d[0], 1);
        state.v[in.rd] = vreg_of<std::uint32_t>(d);
    });
}

Handler SHA256H(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        Words x = lanes_of<std::uint32_t>(state.v[in.rd]);
        Words y = lanes_of<std::uint32_t>(state.v[in.rn]);
        sha256_rounds(x, y, lanes_of<std::uint32_t>(state.v[in.rm]));
        state.v[in.rd] = vreg_of<std::uint32_t>(x);
    });
}

Handler SHA256H2(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        Words x = lanes_of<std::uint32_t>(state.v[in.rn]);
        Words y = lanes_of<std::uint32_t>(state.v[in.rd]);
        sha256_rounds(x, y, lanes_of<std::uint32_t>(state.v[in.rm]));
        state.v[in.rd] = vreg_of<std::uint32_t>(y);
    });
}

Handler SHA256SU0(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        Words d = lanes_of<std::uint32_t>(state.v[in.rd]);
        const std::uint32_t beyond = lanes_of<std::uint32_t>(state.v[in.rn])[0];
        for (unsigned i = 0; i < 4; ++i)
            d[i] += rotations_and_shift(i < 3 ? d[i + 1] : beyond, 7, 18, 3);
        state.v[in.rd] = vreg_of<std::uint32_t>(d);
    });
}

Handler SHA256SU1(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        Words d = lanes_of<std::uint32_t>(state.v[in.rd]);
        const Words n = lanes_of<std::uint32_t>(state.v[in.rn]);
        const Words m = lanes_of<std::uint32_t>(state.v[in.rm]);
        for (unsigned i = 0; i < 4; ++i)
            d[i] += rotations_and_shift(i < 2 ? m[i + 2] : d[i - 2], 17, 19, 10) +
                    (i < 3 ? n[i + 1] : m[0]);
        state.v[in.rd] = vreg_of<std::uint32_t>(d);
    });
}

// FEAT_SHA512 does two rounds at a time: rd holds the sums so far, d[1] of the earlier round.

Handler SHA512H(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        const auto [w0, w1] = state.v[in.rd].d;
        const auto [x0, x1] = state.v[in.rn].d;
        const auto [y0, y1] = state.v[in.rm].d;
        const std::uint64_t high = rotations(y1, 14, 18, 41) + kChoose(y1, x0, x1) + w1;
        const std::uint64_t e = high + y0;
        const std::uint64_t low = rotations(e, 14, 18, 41) + kChoose(e, y1, x0) + w0;
        state.v[in.rd] = {{low, high}};
    });
}

Handler SHA512H2(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        const auto [w0, w1] = state.v[in.rd].d;
        const std::uint64_t x0 = state.v[in.rn].d[0];
        const auto [y0, y1] = state.v[in.rm].d;
        const std::uint64_t high = rotations(y0, 28, 34, 39) + kMajority(x0, y1, y0) + w1;
        const std::uint64_t low = rotations(high, 28, 34, 39) + kMajority(high, y0, y1) + w0;
        state.v[in.rd] = {{low, high}};
    });
}

Handler SHA512SU0(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        const auto [w0, w1] = state.v[in.rd].d;
        const std::uint64_t beyond = state.v[in.rn].d[0];
        state.v[in.rd] = {
            {w0 + rotations_and_shift(w1, 1, 8, 7), w1 + rotations_and_shift(beyond, 1, 8, 7)}};
    });
}

Handler SHA512SU1(std::uint32_t word, Insn& insn)
{
    set_operands(word, insn);
    return handler([](State& state, const Insn& in) {
        const auto [w0, w1] = state.v[in.rd].d;
        const auto [x0, x1] = state.v[in.rn].d;
        const auto [y0, y1] = state.v[in.rm].d;
        state.v[in.rd] = {{w0 + rotations_and_shift(x0, 19, 61, 6) + y0,
                           w1 + rotations_and_shift(x1, 19, 61, 6) + y1}};
    });
}

}  // namespace gh::cpu
