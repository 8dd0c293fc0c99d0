// SPDX-License-Identifier: BSD-3-Clause
// AES, SHA1, SHA256 and carry-less products (DDI 0487 C4.1.97, "Cryptographic"), where this host
// has instructions for them.
#include "emulator/jit/templates.h"
#include "emulator/jit/vector_operations.h"

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;
using x86::xmm2;

const asmjit::CpuFeatures::X86& host()
{
    return asmjit::CpuInfo::host().features().x86();
}

/// rd = xmm0, all of it.
bool finish_all(Emitter& e, const Item& item)
{
    e.write_vector(vd(item.word), xmm0);
    return true;
}

// ---- AES. A round of x86 is several instructions of Arm's; with a key of zero, parts of it
// cancel.

/// AESE, AESD: the key first, then rows and bytes.
template <asmjit::InstId kId>
bool aes_round(Emitter& e, const Item& item)
{
    if (!host().hasAESNI())
        return call_quietly(e, item);
    e.vpxor(xmm1, xmm1, xmm1);
    e.combine(Inst::kIdVpxor, xmm0, vd(item.word), vn(item.word));
    e.emit(kId, xmm0, xmm0, xmm1);
    return finish_all(e, item);
}

/// AESMC: a round without the rows and bytes that the last decryption round undoes before.
bool aes_mix_columns(Emitter& e, const Item& item)
{
    if (!host().hasAESNI())
        return call_quietly(e, item);
    e.vpxor(xmm1, xmm1, xmm1);
    e.vaesdeclast(xmm0, e.read_vector(vn(item.word)), xmm1);
    e.vaesenc(xmm0, xmm0, xmm1);
    return finish_all(e, item);
}

bool aes_inverse_mix_columns(Emitter& e, const Item& item)
{
    if (!host().hasAESNI())
        return call_quietly(e, item);
    e.vaesimc(xmm0, e.read_vector(vn(item.word)));
    return finish_all(e, item);
}

bool polynomial_product(Emitter& e, const Item& item)
{
    if (!host().hasPCLMULQDQ())
        return call_quietly(e, item);
    const std::uint32_t word = item.word;
    const x86::Xmm n = e.read_vector(vn(word));
    e.vpclmulqdq(xmm0, n, e.read_vector(vm(word)), bit(word, 30) ? 0x11 : 0);
    return finish_all(e, item);
}

// ---- SHA256. x86 keeps the state as (F, E, B, A) and (H, G, D, C) and does two rounds at a time;
// the first of the two after two rounds is what the second is after four.

constexpr unsigned kSwapPairs = 0xb1;
constexpr unsigned kReverse = 0x1b;
constexpr unsigned kUpperPair = 0x0e;

/// Four rounds on (A, B, C, D) in `abcd` and (E, F, G, H) in `efgh`.
template <bool kSecond>
bool sha256_rounds(Emitter& e, const Item& item)
{
    if (!host().hasSHA())
        return call_quietly(e, item);
    const std::uint32_t word = item.word;
    const unsigned abcd = kSecond ? vn(word) : vd(word);
    const unsigned efgh = kSecond ? vd(word) : vn(word);
    const x86::Xmm high = e.read_vector(efgh);
    e.vpunpckhqdq(xmm2, high, e.read_vector(abcd));
    e.vpunpcklqdq(xmm1, high, e.read_vector(abcd));
    e.vpshufd(xmm2, xmm2, kSwapPairs);
    e.vpshufd(xmm1, xmm1, kSwapPairs);
    copy_vector(e, xmm0, vm(word));
    e.sha256rnds2(xmm2, xmm1, xmm0);
    e.vpshufd(xmm0, xmm0, kUpperPair);
    e.sha256rnds2(xmm1, xmm2, xmm0);
    if (kSecond)
        e.vpunpcklqdq(xmm0, xmm1, xmm2);
    else
        e.vpunpckhqdq(xmm0, xmm1, xmm2);
    e.vpshufd(xmm0, xmm0, kSwapPairs);
    return finish_all(e, item);
}

bool sha256_schedule0(Emitter& e, const Item& item)
{
    if (!host().hasSHA())
        return call_quietly(e, item);
    copy_vector(e, xmm0, vd(item.word));
    e.sha256msg1(xmm0, e.read_vector(vn(item.word)));
    return finish_all(e, item);
}

bool sha256_schedule1(Emitter& e, const Item& item)
{
    if (!host().hasSHA())
        return call_quietly(e, item);
    const std::uint32_t word = item.word;
    const x86::Xmm m = e.read_vector(vm(word));
    e.vpalignr(xmm0, m, e.read_vector(vn(word)), 4);
    e.vpaddd(xmm0, xmm0, e.read_vector(vd(word)));
    e.sha256msg2(xmm0, m);
    return finish_all(e, item);
}

// ---- SHA1. x86 has the lanes in reverse and adds the constant of the rounds itself.

template <unsigned kFunction>
bool sha1_rounds(Emitter& e, const Item& item)
{
    if (!host().hasSHA())
        return call_quietly(e, item);
    constexpr std::uint32_t kConstants[]{0x5a82'7999, 0x6ed9'eba1, 0x8f1b'bcdc};
    const std::uint32_t word = item.word;
    e.vmovd(xmm1, e.vector_lane(vn(word), 4, 0));
    e.vpaddd(xmm1, xmm1, e.read_vector(vm(word)));
    e.vpsubd(xmm1, xmm1, lanes_literal(e, kConstants[kFunction], 2));
    e.vpshufd(xmm1, xmm1, kReverse);
    e.vpshufd(xmm0, e.read_vector(vd(word)), kReverse);
    e.sha1rnds4(xmm0, xmm1, kFunction);
    e.vpshufd(xmm0, xmm0, kReverse);
    return finish_all(e, item);
}

bool sha1_hash(Emitter& e, const Item& item)
{
    e.rorx(x86::ecx, e.vector_lane(vn(item.word), 4, 0), 2);
    e.vmovd(xmm0, x86::ecx);
    return finish_all(e, item);
}

bool sha1_schedule0(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const x86::Xmm d = e.read_vector(vd(word));
    const x86::Xmm n = e.read_vector(vn(word));
    e.vpalignr(xmm0, n, d, 8);
    e.vpxor(xmm0, xmm0, d);
    e.vpxor(xmm0, xmm0, e.read_vector(vm(word)));
    return finish_all(e, item);
}

/// xmm0's lanes rotated left by one; xmm1 is spoilt.
void rotate_by_one(Emitter& e)
{
    e.vpsrld(xmm1, xmm0, 31);
    e.vpslld(xmm0, xmm0, 1);
    e.vpor(xmm0, xmm0, xmm1);
}

/// The last lane depends on the first of the result.
bool sha1_schedule1(Emitter& e, const Item& item)
{
    e.vpsrldq(xmm0, e.read_vector(vn(item.word)), 4);
    e.vpxor(xmm0, xmm0, e.read_vector(vd(item.word)));
    rotate_by_one(e);
    e.vmovdqa(xmm2, xmm0);
    e.vpslldq(xmm0, xmm0, 12);
    rotate_by_one(e);
    e.vpxor(xmm0, xmm0, xmm2);
    return finish_all(e, item);
}

constexpr TemplateRow kRows[]{
    {cpu::AESE, {aes_round<Inst::kIdVaesenclast>, kPlain}},
    {cpu::AESD, {aes_round<Inst::kIdVaesdeclast>, kPlain}},
    {cpu::AESMC, {aes_mix_columns, kPlain}},
    {cpu::AESIMC, {aes_inverse_mix_columns, kPlain}},
    {cpu::PMULL_64, {polynomial_product, kPlain}},
    {cpu::SHA256H, {sha256_rounds<false>, kPlain}},
    {cpu::SHA256H2, {sha256_rounds<true>, kPlain}},
    {cpu::SHA256SU0, {sha256_schedule0, kPlain}},
    {cpu::SHA256SU1, {sha256_schedule1, kPlain}},
    {cpu::SHA1C, {sha1_rounds<0>, kPlain}},
    {cpu::SHA1P, {sha1_rounds<1>, kPlain}},
    {cpu::SHA1M, {sha1_rounds<2>, kPlain}},
    {cpu::SHA1H, {sha1_hash, kPlain}},
    {cpu::SHA1SU0, {sha1_schedule0, kPlain}},
    {cpu::SHA1SU1, {sha1_schedule1, kPlain}},
};

}  // namespace

std::span<const TemplateRow> crypto_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
