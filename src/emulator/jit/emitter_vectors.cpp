// SPDX-License-Identifier: BSD-3-Clause
// V registers in translated code. VEX encodings only: they clear what lies above 128 bits, so no
// transition to C++ code stalls.
#include "emulator/jit/emitter.h"

namespace gh::jit {

x86::Mem Emitter::vector_slot(unsigned v, unsigned size, unsigned offset) const
{
    return state(GH_STATE(v) + v * sizeof(cpu::Vreg) + offset, size);
}

x86::Mem Emitter::vector_lane(unsigned v, unsigned size, unsigned offset)
{
    return vector_slot(v, size, offset);
}

x86::Xmm Emitter::read_vector(unsigned v, const x86::Xmm& scratch, unsigned size)
{
    switch (size) {
    case 4: vmovd(scratch, vector_slot(v, 4)); break;
    case 8: vmovq(scratch, vector_slot(v, 8)); break;
    default: vmovdqa(scratch, vector_slot(v)); break;
    }
    return scratch;
}

x86::Mem Emitter::vector_operand(unsigned v, unsigned size)
{
    return vector_slot(v, size);
}

void Emitter::write_vector(unsigned v, const x86::Xmm& value, unsigned size)
{
    if (size == 8)
        vmovq(value, value);
    else if (size == 4)
        vinsertps(value, value, value, 0b1110);  // zeros in the upper three
    vmovdqa(vector_slot(v), value);
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
