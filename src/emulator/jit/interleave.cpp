// SPDX-License-Identifier: BSD-3-Clause
// Each register is put together from bytes of each 16 bytes of memory, and the other way round:
// VPSHUFB takes those that are wanted and leaves zeros elsewhere.
#include "emulator/jit/interleave.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gh::jit {
namespace {

using x86::xmm0;
using x86::xmm1;

constexpr unsigned kBytes = 16;

/// A VPSHUFB mask under work; it takes nothing yet.
class Mask {
public:
    Mask() { from_.fill(0x80); }
    void take(unsigned to, unsigned from)
    {
        from_.at(to) = static_cast<std::uint8_t>(from);
        empty_ = false;
    }
    [[nodiscard]] bool empty() const { return empty_; }
    [[nodiscard]] x86::Mem literal(Emitter& e) const
    {
        const auto half = [&](unsigned first) {
            std::uint64_t value = 0;
            for (unsigned i = 8; i-- != 0;)
                value = value << 8 | from_.at(first + i);
            return value;
        };
        return e.literal(half(0), half(8));
    }

private:
    std::array<std::uint8_t, kBytes> from_{};
    bool empty_ = true;
};

/// Where byte `byte` of register `number` lies in memory.
unsigned place(const Interleaved& s, unsigned number, unsigned byte)
{
    const unsigned lane = byte >> s.log2_size;
    return ((lane * s.count + number) << s.log2_size) + byte % (1u << s.log2_size);
}

/// Of memory's part `part` the bytes of register `number`, from one to the other.
Mask mask_of(const Interleaved& s, unsigned part, unsigned number, bool load)
{
    Mask mask;
    for (unsigned byte = 0; byte < s.size; ++byte)
        if (const unsigned at = place(s, number, byte); at / kBytes == part)
            load ? mask.take(byte, at % kBytes) : mask.take(at % kBytes, byte);
    return mask;
}

unsigned bytes_of_part(const Interleaved& s, unsigned part)
{
    return std::min(kBytes, s.count * s.size - part * kBytes);
}

x86::Mem part_of(const Interleaved& s, unsigned part)
{
    x86::Mem memory = s.memory.cloneAdjusted(std::int64_t{part} * kBytes);
    memory.setSize(bytes_of_part(s, part));
    return memory;
}

/// xmm0 = the bytes of `from` that the mask takes, beside those of before.
void gather(Emitter& e, const x86::Xmm& from, const Mask& mask, bool first)
{
    e.vpshufb(first ? xmm0 : xmm1, from, mask.literal(e));
    if (!first)
        e.vpor(xmm0, xmm0, xmm1);
}

}  // namespace

void load_interleaved(Emitter& e, const Interleaved& s)
{
    for (unsigned number = 0; number < s.count; ++number) {
        bool first = true;
        for (unsigned part = 0; part * kBytes < s.count * s.size; ++part) {
            const Mask mask = mask_of(s, part, number, true);
            if (mask.empty())
                continue;
            if (bytes_of_part(s, part) == kBytes)
                e.vmovdqu(xmm1, part_of(s, part));
            else
                e.vmovq(xmm1, part_of(s, part));
            gather(e, xmm1, mask, std::exchange(first, false));
        }
        e.write_vector((s.first + number) % 32, xmm0);
    }
}

void store_interleaved(Emitter& e, const Interleaved& s)
{
    for (unsigned part = 0; part * kBytes < s.count * s.size; ++part) {
        bool first = true;
        for (unsigned number = 0; number < s.count; ++number) {
            const Mask mask = mask_of(s, part, number, false);
            if (!mask.empty())
                gather(e, e.read_vector((s.first + number) % 32), mask,
                       std::exchange(first, false));
        }
        if (bytes_of_part(s, part) == kBytes)
            e.vmovdqu(part_of(s, part), xmm0);
        else
            e.vmovq(part_of(s, part), xmm0);
    }
}

}  // namespace gh::jit
