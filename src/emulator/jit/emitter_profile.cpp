// SPDX-License-Identifier: BSD-3-Clause
// Host code that counts for the profile. It spoils rax and rcx, which hold nothing between
// instructions, and keeps EFLAGS, which may.
#include "emulator/cpu/profile.h"
#include "emulator/jit/emitter.h"

namespace gh::jit {

void Emitter::count(std::uint64_t& counter, std::size_t n)
{
    mov(x86::rcx, reinterpret_cast<std::uintptr_t>(&counter));
    mov(x86::rax, x86::qword_ptr(x86::rcx));
    lea(x86::rax, x86::ptr(x86::rax, static_cast<std::int32_t>(n)));
    mov(x86::qword_ptr(x86::rcx), x86::rax);
}

void Emitter::count_unit(const Item& head)
{
    if (hot_.profile == nullptr)
        return;
    spot_ = &hot_.profile->spot(head.va, el0_ ? 0 : 1, cpu::Spot::Tier::Translated);
    count(spot_->entries, 1);
}

void Emitter::count_block(const Items& items, std::size_t first)
{
    if (spot_ == nullptr || (first != 0 && !items[first - 1].last_of_block))
        return;
    std::size_t end = first;
    while (!items[end].last_of_block && end + 1 < items.size())  // lock step shortens units
        ++end;
    count(spot_->instructions, end + 1 - first);
}

void Emitter::count_call(const Item& item, bool slow)
{
    if (hot_.profile == nullptr)
        return;
    auto& calls = hot_.profile->calls(item.word);
    count(slow ? calls.slow : calls.always, 1);
}

}  // namespace gh::jit
