// SPDX-License-Identifier: BSD-3-Clause
// Floating point in all lanes (DDI 0487 C4.1.97, "Advanced SIMD three same", "two-register
// miscellaneous", "vector x indexed element", "scalar pairwise").
#include "emulator/jit/fp_operations.h"
#include "emulator/jit/templates.h"

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;
using x86::xmm2;

constexpr ByFormat kAddPacked{Inst::kIdVaddps, Inst::kIdVaddpd};
constexpr ByFormat kSubPacked{Inst::kIdVsubps, Inst::kIdVsubpd};
constexpr ByFormat kMulPacked{Inst::kIdVmulps, Inst::kIdVmulpd};
constexpr ByFormat kDivPacked{Inst::kIdVdivps, Inst::kIdVdivpd};
constexpr ByFormat kFmla{Inst::kIdVfmadd231ps, Inst::kIdVfmadd231pd};
constexpr ByFormat kFmls{Inst::kIdVfnmadd231ps, Inst::kIdVfnmadd231pd};

/// The width and count of numbers that the word's form has.
struct Form {
    explicit Form(std::uint32_t word)
        : wide(is_double(word)), scalar(bit(word, 28)), full(bit(word, 30) && !scalar)
    {
    }
    [[nodiscard]] unsigned size() const { return scalar ? (wide ? 8 : 4) : full ? 16 : 8; }
    bool wide;
    bool scalar;
    bool full;
};

bool finish_numbers(Emitter& e, const Item& item)
{
    e.write_vector(vd(item.word), xmm0, Form(item.word).size());
    e.slow_path_returns_here();
    return true;
}

/// The check of results that fits the form.
void check_results(Emitter& e, const Label& slow, const Form& form, Result kind)
{
    if (form.scalar)
        check_scalar(e, slow, form.wide, kind);
    else
        check_vector(e, slow, form.wide, form.full, kind);
}

// ---- Arithmetic

template <const ByFormat& kIds, Result kKind>
bool binary(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    const x86::Xmm n = read_numbers(e, vn(item.word), form.size(), xmm0);
    e.emit(kIds.at(form.wide), xmm0, n, read_numbers(e, vm(item.word), form.size(), xmm1));
    check_results(e, slow, form, kKind);
    return finish_numbers(e, item);
}

bool absolute_difference(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    const x86::Xmm n = read_numbers(e, vn(item.word), form.size(), xmm0);
    e.emit(kSubPacked.at(form.wide), xmm0, n, read_numbers(e, vm(item.word), form.size(), xmm1));
    check_results(e, slow, form, Result::Sum);
    e.vpand(xmm0, xmm0, all_but_signs(e, form.wide));
    return finish_numbers(e, item);
}

bool multiply_by_element(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), item.insn->rm});
    broadcast_element(e, xmm1, item, form.wide ? 3 : 2);
    e.emit(kMulPacked.at(form.wide), xmm0, xmm1, read_numbers(e, vn(item.word), form.size(), xmm2));
    check_results(e, slow, form, Result::Product);
    return finish_numbers(e, item);
}

template <const ByFormat& kIds>
bool multiply_add(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow =
        begin_fp(e, item, Emitter::Slow::Quiet, {vd(item.word), vn(item.word), vm(item.word)});
    copy_vector(e, xmm0, vd(item.word));
    const x86::Xmm n = read_numbers(e, vn(item.word), form.size(), xmm1);
    e.emit(kIds.at(form.wide), xmm0, n, read_numbers(e, vm(item.word), form.size(), xmm2));
    check_results(e, slow, form, Result::Product);
    return finish_numbers(e, item);
}

template <const ByFormat& kIds>
bool multiply_add_element(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow =
        begin_fp(e, item, Emitter::Slow::Quiet, {vd(item.word), vn(item.word), item.insn->rm});
    broadcast_element(e, xmm1, item, form.wide ? 3 : 2);
    copy_vector(e, xmm0, vd(item.word));
    e.emit(kIds.at(form.wide), xmm0, xmm1, read_numbers(e, vn(item.word), form.size(), xmm2));
    check_results(e, slow, form, Result::Product);
    return finish_numbers(e, item);
}

bool square_root(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    e.emit(form.wide ? Inst::kIdVsqrtpd : Inst::kIdVsqrtps, xmm0,
           read_numbers(e, vn(item.word), form.size(), xmm0));
    check_results(e, slow, form, Result::Sum);
    return finish_numbers(e, item);
}

/// FADDP of a vector, or of the two numbers of rn.
bool add_pairs(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const Form form(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    if (form.scalar) {
        const x86::Xmm n = e.read_vector(vn(word));
        e.vpsrldq(xmm0, n, form.wide ? 8 : 4);
        e.emit(form.wide ? Inst::kIdVaddsd : Inst::kIdVaddss, xmm0, xmm0, n);
        check_scalar(e, slow, form.wide, Result::Sum);
        return finish_numbers(e, item);
    }
    // As lanes of the same size, which deinterleave() finds in bits 23:22.
    const std::uint32_t lanes = (word & ~(3u << 22)) | (form.wide ? 3u : 2u) << 22;
    deinterleave(e, xmm0, lanes, false);
    deinterleave(e, xmm1, lanes, true);
    e.emit(kAddPacked.at(form.wide), xmm0, xmm0, xmm1);
    check_results(e, slow, form, Result::Sum);
    return finish_numbers(e, item);
}

/// As of scalars: both ways round, so that the right zero wins.
template <bool kMax>
bool extreme(Emitter& e, const Item& item)
{
    constexpr ByFormat kIds{kMax ? Inst::kIdVmaxps : Inst::kIdVminps,
                            kMax ? Inst::kIdVmaxpd : Inst::kIdVminpd};
    const Form form(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    const x86::Xmm n = e.read_vector(vn(item.word));
    const x86::Xmm m = e.read_vector(vm(item.word));
    check_numbers(e, slow, form.wide, form.full, n, m);
    e.emit(kIds.at(form.wide), xmm0, n, m);
    e.emit(kIds.at(form.wide), xmm1, m, n);
    if (kMax)
        e.vpand(xmm0, xmm0, xmm1);
    else
        e.vpor(xmm0, xmm0, xmm1);
    return finish_numbers(e, item);
}

bool absolute(Emitter& e, const Item& item)
{
    const Form form(item.word);
    e.vpand(xmm0, e.read_vector(vn(item.word)), all_but_signs(e, form.wide));
    e.write_vector(vd(item.word), xmm0, form.size());
    return true;
}

bool negate(Emitter& e, const Item& item)
{
    const Form form(item.word);
    e.vpxor(xmm0, e.read_vector(vn(item.word)), sign_bits(e, form.wide));
    e.write_vector(vd(item.word), xmm0, form.size());
    return true;
}

// ---- Comparisons: ones where they hold

constexpr unsigned kEqualNumbers = 0;  // VCMPPS predicates
constexpr unsigned kGreaterEqual = 0x1d;
constexpr unsigned kGreaterThan = 0x1e;

/// A scalar's slow path looks at its own number only.
void check_operands(Emitter& e, const Label& slow, const Form& form, const x86::Xmm& n,
                    const x86::Xmm& m)
{
    if (form.scalar) {
        e.emit(form.wide ? Inst::kIdVucomisd : Inst::kIdVucomiss, n, m);
        e.jp(slow);
    } else {
        check_numbers(e, slow, form.wide, form.full, n, m);
    }
}

template <unsigned kPredicate, bool kAbsolute>
bool compare(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    const Form form(word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word), vm(item.word)});
    x86::Xmm n = e.read_vector(vn(word));
    x86::Xmm m = e.read_vector(vm(word));
    check_operands(e, slow, form, n, m);
    if (kAbsolute) {
        e.vpand(xmm0, n, all_but_signs(e, form.wide));
        e.vpand(xmm1, m, all_but_signs(e, form.wide));
        n = xmm0;
        m = xmm1;
    }
    e.emit(form.wide ? Inst::kIdVcmppd : Inst::kIdVcmpps, xmm0, n, m, Imm(kPredicate));
    return finish_numbers(e, item);
}

/// Of rn with zero; kSwapped: of zero with rn.
template <unsigned kPredicate, bool kSwapped>
bool compare_zero(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    const x86::Xmm n = e.read_vector(vn(item.word));
    e.vpxor(xmm1, xmm1, xmm1);
    check_operands(e, slow, form, n, xmm1);
    e.emit(form.wide ? Inst::kIdVcmppd : Inst::kIdVcmpps, xmm0, kSwapped ? xmm1 : n,
           kSwapped ? n : xmm1, Imm(kPredicate));
    return finish_numbers(e, item);
}

// ---- Rounding and conversion

template <unsigned kMode>
bool round_integral(Emitter& e, const Item& item)
{
    const Form form(item.word);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    const x86::Xmm n = read_numbers(e, vn(item.word), form.size(), xmm0);
    check_numbers(e, slow, form.wide, form.full, n, n);
    e.emit(form.wide ? Inst::kIdVroundpd : Inst::kIdVroundps, xmm0, n, Imm(kMode));
    return finish_numbers(e, item);
}

bool from_signed(Emitter& e, const Item& item)
{
    const Form form(item.word);
    if (form.wide)
        return call_quietly(e, item);
    begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    e.vcvtdq2ps(xmm0, read_numbers(e, vn(item.word), form.size(), xmm0));
    return finish_numbers(e, item);
}

/// VCVTTPS2DQ answers with the smallest integer where it has none.
bool to_signed(Emitter& e, const Item& item)
{
    const Form form(item.word);
    if (form.wide)
        return call_quietly(e, item);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    e.vcvttps2dq(xmm0, read_numbers(e, vn(item.word), form.size(), xmm0));
    e.vpcmpeqd(xmm1, xmm0, lanes_literal(e, 0x8000'0000, 2));
    e.vmovmskps(x86::eax, xmm1);
    e.test(x86::eax, form.full ? 15 : 3);
    e.jne(slow);
    return finish_numbers(e, item);
}

/// FCVTL of two singles.
bool lengthen(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    if (!is_double(word))  // bit 22: singles to doubles, not halves to singles
        return call_quietly(e, item);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {});
    e.vcvtps2pd(xmm0, e.vector_lane(vn(word), 8, bit(word, 30) ? 8 : 0));
    check_numbers(e, slow, true, true, xmm0, xmm0);
    e.write_vector(vd(word), xmm0);
    e.slow_path_returns_here();
    return true;
}

/// FCVTN of two doubles.
bool shorten(Emitter& e, const Item& item)
{
    const std::uint32_t word = item.word;
    if (!is_double(word))
        return call_quietly(e, item);
    const Label slow = begin_fp(e, item, Emitter::Slow::Quiet, {vn(item.word)});
    e.vcvtpd2ps(xmm0, e.read_vector(vn(word)));
    check_vector(e, slow, false, false, Result::Product);
    if (bit(word, 30)) {
        const x86::Xmm old = e.read_vector(vd(word));
        e.vpunpcklqdq(xmm0, old, xmm0);
    }
    e.write_vector(vd(word), xmm0, bit(word, 30) ? 16 : 8);
    e.slow_path_returns_here();
    return true;
}

constexpr TemplateRow kRows[]{
    {cpu::FADD_vector, {binary<kAddPacked, Result::Sum>, kPlain}},
    {cpu::FSUB_vector, {binary<kSubPacked, Result::Sum>, kPlain}},
    {cpu::FMUL_vector, {binary<kMulPacked, Result::Product>, kPlain}},
    {cpu::FDIV_vector, {binary<kDivPacked, Result::Product>, kPlain}},
    {cpu::FABD_vector, {absolute_difference, kPlain}},
    {cpu::FMUL_element, {multiply_by_element, kPlain}},
    {cpu::FMUL_element_scalar, {multiply_by_element, kPlain}},
    {cpu::FMLA_vector, {multiply_add<kFmla>, kPlain}},
    {cpu::FMLS_vector, {multiply_add<kFmls>, kPlain}},
    {cpu::FMLA_element, {multiply_add_element<kFmla>, kPlain}},
    {cpu::FMLA_element_scalar, {multiply_add_element<kFmla>, kPlain}},
    {cpu::FMLS_element, {multiply_add_element<kFmls>, kPlain}},
    {cpu::FMLS_element_scalar, {multiply_add_element<kFmls>, kPlain}},
    {cpu::FSQRT_vector, {square_root, kPlain}},
    {cpu::FADDP_vector, {add_pairs, kPlain}},
    {cpu::FADDP_scalar, {add_pairs, kPlain}},
    {cpu::FMAX_vector, {extreme<true>, kPlain}},
    {cpu::FMAXNM_vector, {extreme<true>, kPlain}},
    {cpu::FMIN_vector, {extreme<false>, kPlain}},
    {cpu::FMINNM_vector, {extreme<false>, kPlain}},
    {cpu::FABS_vector, {absolute, kPlain}},
    {cpu::FNEG_vector, {negate, kPlain}},
    {cpu::FCMEQ_vector, {compare<kEqualNumbers, false>, kPlain}},
    {cpu::FCMEQ_scalar, {compare<kEqualNumbers, false>, kPlain}},
    {cpu::FCMGE_vector, {compare<kGreaterEqual, false>, kPlain}},
    {cpu::FCMGE_scalar, {compare<kGreaterEqual, false>, kPlain}},
    {cpu::FCMGT_vector, {compare<kGreaterThan, false>, kPlain}},
    {cpu::FCMGT_scalar, {compare<kGreaterThan, false>, kPlain}},
    {cpu::FACGE_vector, {compare<kGreaterEqual, true>, kPlain}},
    {cpu::FACGE_scalar, {compare<kGreaterEqual, true>, kPlain}},
    {cpu::FACGT_vector, {compare<kGreaterThan, true>, kPlain}},
    {cpu::FACGT_scalar, {compare<kGreaterThan, true>, kPlain}},
    {cpu::FCMEQ_vector_zero, {compare_zero<kEqualNumbers, false>, kPlain}},
    {cpu::FCMEQ_scalar_zero, {compare_zero<kEqualNumbers, false>, kPlain}},
    {cpu::FCMGE_vector_zero, {compare_zero<kGreaterEqual, false>, kPlain}},
    {cpu::FCMGE_scalar_zero, {compare_zero<kGreaterEqual, false>, kPlain}},
    {cpu::FCMGT_vector_zero, {compare_zero<kGreaterThan, false>, kPlain}},
    {cpu::FCMGT_scalar_zero, {compare_zero<kGreaterThan, false>, kPlain}},
    {cpu::FCMLE_vector_zero, {compare_zero<kGreaterEqual, true>, kPlain}},
    {cpu::FCMLE_scalar_zero, {compare_zero<kGreaterEqual, true>, kPlain}},
    {cpu::FCMLT_vector_zero, {compare_zero<kGreaterThan, true>, kPlain}},
    {cpu::FCMLT_scalar_zero, {compare_zero<kGreaterThan, true>, kPlain}},
    {cpu::FRINTN_vector, {round_integral<kNearest | kQuietly>, kPlain}},
    {cpu::FRINTM_vector, {round_integral<kDown | kQuietly>, kPlain}},
    {cpu::FRINTP_vector, {round_integral<kUp | kQuietly>, kPlain}},
    {cpu::FRINTZ_vector, {round_integral<kToZero | kQuietly>, kPlain}},
    {cpu::FRINTX_vector, {round_integral<kNearest>, kPlain}},
    {cpu::FRINTI_vector, {round_integral<kNearest | kQuietly>, kPlain}},
    {cpu::SCVTF_vector, {from_signed, kPlain}},
    {cpu::FCVTZS_vector, {to_signed, kPlain}},
    {cpu::FCVTL, {lengthen, kPlain}},
    {cpu::FCVTN, {shorten, kPlain}},
};

}  // namespace

std::span<const TemplateRow> fp_vector_templates() noexcept
{
    return kRows;
}

}  // namespace gh::jit
