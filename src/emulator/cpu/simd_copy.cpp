// SPDX-License-Identifier: BSD-3-Clause
// Advanced SIMD copy and scalar copy (DDI 0487, C4.1).
#include "emulator/cpu/simd_handlers.h"

namespace gh::cpu {
namespace {

/// imm5: the lowest one says the lanes' width, what is above it an index.
struct Element {
    explicit Element(std::uint32_t word)
        : imm5(field(word, 16, 5)), size(static_cast<unsigned>(std::countr_zero(imm5 | 32u)))
    {
    }
    [[nodiscard]] std::uint8_t index() const
    {
        return static_cast<std::uint8_t>(imm5 >> (size + 1));
    }

    unsigned imm5;
    unsigned size;  // 4 and more: reserved
};

/// Fills rd and rn, and ra with the index.
Element set_element(std::uint32_t word, Insn& insn)
{
    const Element element(word);
    set_operands(word, insn);
    insn.ra = element.index();
    return element;
}

template <class Shape, class Make>
Handler by_element(const Element& element, bool q, Make make)
{
    return element.size > 3 ? nullptr : Shape::of_size(element.size, q, make);
}

template <class T, unsigned N>
void fill(Vreg& v, T value)
{
    Lanes<T> lanes{};
    for (unsigned i = 0; i < N; ++i)
        lanes[i] = value;
    v = vreg_of<T>(lanes);
}

constexpr auto kDuplicate = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        fill<T, N>(state.v[insn.rd], lanes_of<T>(state.v[insn.rn])[insn.ra]);
    });
};

/// A lane, extended, to a general register: X is std::uint32_t or std::uint64_t.
template <class X>
constexpr auto kMoveOut = []<class T, unsigned N>(Arrangement<T, N>) {
    return handler([](State& state, const Insn& insn) {
        const T lane = lanes_of<T>(state.v[insn.rn])[insn.ra];
        const auto extended = static_cast<X>(lane);
        state.x[insn.rd] = extended;
    });
};

}  // namespace

Handler DUP_element_scalar(std::uint32_t word, Insn& insn)
{
    return by_element<ScalarUnsignedBHSD>(set_element(word, insn), false, kDuplicate);
}

Handler DUP_element(std::uint32_t word, Insn& insn)
{
    return by_element<UnsignedBHSD>(set_element(word, insn), bit(word, 30), kDuplicate);
}

Handler DUP_general(std::uint32_t word, Insn& insn)
{
    const Element element = set_element(word, insn);
    insn.rn = source(insn.rn);
    return by_element<UnsignedBHSD>(
        element, bit(word, 30), []<class T, unsigned N>(Arrangement<T, N>) {
            return handler([](State& state, const Insn& in) {
                fill<T, N>(state.v[in.rd], static_cast<T>(state.x[in.rn]));
            });
        });
}

Handler SMOV(std::uint32_t word, Insn& insn)
{
    const Element element = set_element(word, insn);
    insn.rd = destination(insn.rd);
    return bit(word, 30)
               ? by_element<ScalarSignedBHS>(element, false, kMoveOut<std::uint64_t>)
               : by_element<Scalar<Sign::Signed, kB | kH>>(element, false, kMoveOut<std::uint32_t>);
}

Handler UMOV(std::uint32_t word, Insn& insn)
{
    const Element element = set_element(word, insn);
    insn.rd = destination(insn.rd);
    return bit(word, 30) ? by_element<ScalarUnsignedD>(element, false, kMoveOut<std::uint64_t>)
                         : by_element<ScalarUnsignedBHS>(element, false, kMoveOut<std::uint32_t>);
}

Handler INS_general(std::uint32_t word, Insn& insn)
{
    const Element element = set_element(word, insn);
    insn.rn = source(insn.rn);
    return by_element<ScalarUnsignedBHSD>(element, false,
                                          []<class T, unsigned N>(Arrangement<T, N>) {
                                              return handler([](State& state, const Insn& in) {
                                                  auto lanes = lanes_of<T>(state.v[in.rd]);
                                                  lanes[in.ra] = static_cast<T>(state.x[in.rn]);
                                                  state.v[in.rd] = vreg_of<T>(lanes);
                                              });
                                          });
}

Handler INS_element(std::uint32_t word, Insn& insn)
{
    const Element element = set_element(word, insn);
    insn.rm = static_cast<std::uint8_t>(field(word, 11, 4) >> element.size);  // the source's index
    return by_element<ScalarUnsignedBHSD>(element, false,
                                          []<class T, unsigned N>(Arrangement<T, N>) {
                                              return handler([](State& state, const Insn& in) {
                                                  auto lanes = lanes_of<T>(state.v[in.rd]);
                                                  lanes[in.ra] = lanes_of<T>(state.v[in.rn])[in.rm];
                                                  state.v[in.rd] = vreg_of<T>(lanes);
                                              });
                                          });
}

}  // namespace gh::cpu
