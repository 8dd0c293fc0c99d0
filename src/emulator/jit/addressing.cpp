// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/jit/addressing.h"

namespace gh::jit {

x86::Gp base_plus(Emitter& e, unsigned base, std::int32_t offset)
{
    const x86::Gp from = e.read(base, x86::rax);
    if (offset == 0)
        return from;
    e.lea(x86::rax, x86::ptr(from, offset));
    return x86::rax;
}

void base_plus_register(Emitter& e, std::uint32_t word, unsigned shift)
{
    const unsigned base = cpu::field5(word, 5);
    const unsigned index = cpu::rm_of(word);
    const auto option = bits(word, 13, 3);
    if (option == 2 || option == 6) {
        e.load(x86::rcx, index, false);
        if (option == 6)
            e.movsxd(x86::rcx, x86::ecx);
    }
    const x86::Gp extended =
        option == 2 || option == 6 ? x86::Gp(x86::rcx) : e.read(index, x86::rcx);
    if (shift <= 3) {
        e.lea(x86::rax, x86::ptr(e.read(base, x86::rax), extended, shift));
        return;
    }
    e.mov(x86::rcx, extended);
    e.shl(x86::rcx, shift);
    e.lea(x86::rax, x86::ptr(e.read(base, x86::rax), x86::rcx));
}

void add_to_base(Emitter& e, unsigned base, std::int32_t offset)
{
    const x86::Gp home = Emitter::home(base);
    if (home.isValid())
        e.add(home, offset);
    else
        e.add(Emitter::slot(base), offset);
    if (base == cpu::kSp && offset % 16 != 0)
        e.write(base, home);
}

}  // namespace gh::jit
