// SPDX-License-Identifier: BSD-3-Clause
// V registers in translated code. VEX encodings only: they clear what lies above 128 bits, so no
// transition to C++ code stalls.
#include "emulator/jit/emitter.h"

namespace gh::jit {

x86::Mem Emitter::vector_slot(unsigned v, unsigned size, unsigned offset) const
{
    return state(GH_STATE(v) + v * sizeof(cpu::Vreg) + offset, size);
}

x86::Xmm Emitter::new_home(unsigned v)
{
    const unsigned host = vectors_.next();
    if (vectors_.holds(host) && vectors_.dirty(host))
        vmovdqa(vector_slot(vectors_.guest(host)), x86::xmm(host));
    vectors_.hold(host, v);
    return x86::xmm(host);
}

x86::Xmm Emitter::read_vector(unsigned v)
{
    if (const unsigned host = vectors_.find(v); host != VectorHomes::kNone)
        return x86::xmm(host);
    const x86::Xmm home = new_home(v);
    vmovdqa(home, vector_slot(v));
    return home;
}

void Emitter::combine(asmjit::InstId id, const x86::Xmm& to, unsigned first, unsigned second)
{
    const x86::Xmm a = read_vector(first);
    emit(id, to, a, read_vector(second));
}

x86::Mem Emitter::vector_lane(unsigned v, unsigned size, unsigned offset)
{
    const unsigned host = vectors_.find(v);
    if (host != VectorHomes::kNone && vectors_.dirty(host)) {
        vmovdqa(vector_slot(v), x86::xmm(host));
        vectors_.set_clean(host);
    }
    return vector_slot(v, size, offset);
}

void Emitter::write_vector(unsigned v, const x86::Xmm& value, unsigned size)
{
    const unsigned host = vectors_.find(v);
    const x86::Xmm home = host != VectorHomes::kNone ? x86::xmm(host) : new_home(v);
    if (size == 8)
        vmovq(home, value);
    else if (size == 4)
        vinsertps(home, value, value, 0b1110);  // zeros in the upper three
    else
        vmovdqa(home, value);
    vectors_.set_dirty(home.id());
}

void Emitter::store_vectors(const VectorHomes& vectors)
{
    for (unsigned host = VectorHomes::kFirst; host < VectorHomes::kEnd; ++host)
        if (vectors.dirty(host))
            vmovdqa(vector_slot(vectors.guest(host)), x86::xmm(host));
}

void Emitter::load_vectors(const VectorHomes& vectors)
{
    for (unsigned host = VectorHomes::kFirst; host < VectorHomes::kEnd; ++host)
        if (vectors.holds(host))
            vmovdqa(x86::xmm(host), vector_slot(vectors.guest(host)));
}

void Emitter::spill_vectors()
{
    store_vectors(vectors_);
    vectors_.forget();
}

/// From here on all of them count as changed: in later rounds they are, and storing what memory has
/// does no harm.
void Emitter::hold_for_loop(std::uint32_t vectors)
{
    if (vectors == 0)
        return;
    for (unsigned v = 0; v < 32; ++v)
        if (bit(vectors, v)) {
            read_vector(v);
            vectors_.set_dirty(vectors_.find(v));
        }
    loop_vectors_ = vectors_;
    loop_head_ = newLabel();
    bind(loop_head_);
}

x86::Mem Emitter::literal(std::uint64_t low, std::uint64_t high)
{
    const cpu::Vreg value{{low, high}};
    for (const cpu::Vreg* const known : literals_)
        if (*known == value)
            return x86::ptr_rel(reinterpret_cast<std::uintptr_t>(known), 16);
    literals_.push_back(memory_.make<cpu::Vreg>(value));
    return x86::ptr_rel(reinterpret_cast<std::uintptr_t>(literals_.back()), 16);
}

}  // namespace gh::jit
