// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/mmu.h"

#include "base/bits.h"
#include "emulator/cpu/identification.h"
#include "emulator/cpu/state.h"

#include <array>
#include <atomic>
#include <optional>

namespace gh::cpu {
namespace {

/// One half of the address space: TTBR0 or TTBR1 with its part of TCR_EL1.
struct Half {
    std::uint64_t table = 0;
    unsigned input_bits = 0;
    unsigned granule_bits = 12;
    bool walks_disabled = false;    // EPD
    bool user_disabled = false;     // E0PD
    bool flat_permissions = false;  // HPD
    bool ignores_top_byte = false;  // TBI

    [[nodiscard]] unsigned stride() const { return granule_bits - 3; }
    [[nodiscard]] unsigned start_level() const
    {
        return 4 - (input_bits - granule_bits + stride() - 1) / stride();
    }
    [[nodiscard]] unsigned shift(unsigned level) const
    {
        return granule_bits + stride() * (3 - level);
    }
};

unsigned granule_bits(bool upper, std::uint64_t tcr)
{
    if (upper) {
        const auto tg1 = bits(tcr, 30, 2);
        return tg1 == 1 ? 14 : tg1 == 3 ? 16 : 12;
    }
    const auto tg0 = bits(tcr, 14, 2);
    return tg0 == 2 ? 14 : tg0 == 1 ? 16 : 12;
}

Half half_of(const State& state, bool upper)
{
    const std::uint64_t tcr = state.tcr_el1;
    auto size = static_cast<unsigned>(bits(tcr, upper ? 16 : 0, 6));
    size = size < 16 ? 16 : size > 39 ? 39 : size;
    return {.table = (upper ? state.ttbr1_el1 : state.ttbr0_el1) & bits(~0ull, 0, 48) & ~1ull,
            .input_bits = 64 - size,
            .granule_bits = granule_bits(upper, tcr),
            .walks_disabled = bit(tcr, upper ? 23 : 7),
            .user_disabled = bit(tcr, upper ? 56 : 55),
            .flat_permissions = bit(tcr, upper ? 42 : 41),
            .ignores_top_byte = bit(tcr, upper ? 38 : 37)};
}

/// Whether `va` lies in the part of the address space that the half maps.
bool in_range(const Half& half, std::uint64_t va, bool upper)
{
    const std::uint64_t extended = half.ignores_top_byte ? sign_extend(va, 56) : va;
    const std::uint64_t above = extended >> half.input_bits;
    return above == (upper ? ~0ull >> half.input_bits : 0);
}

Fault fault(std::uint8_t status, unsigned level)
{
    return {static_cast<std::uint8_t>(status | level)};
}

/// TCR_EL1.IPS: the bits that a table or a page may have in its address.
unsigned output_bits(std::uint64_t tcr)
{
    constexpr std::array<std::uint8_t, 5> kSizes{32, 36, 40, 42, 44};
    const auto ips = bits(tcr, 32, 3);
    return ips < kSizes.size() ? kSizes[ips] : kPhysicalAddressBits;
}

/// What the tables above a leaf take away (DDI 0487 D8.4.3).
struct TableLimits {
    bool no_user = false;
    bool read_only = false;
    bool uxn = false;
    bool pxn = false;

    void narrow(std::uint64_t descriptor)
    {
        pxn = pxn || bit(descriptor, 59);
        uxn = uxn || bit(descriptor, 60);
        no_user = no_user || bit(descriptor, 61);
        read_only = read_only || bit(descriptor, 62);
    }
};

std::atomic_ref<std::uint64_t> descriptor_at(const Page& page, std::uint64_t address)
{
    return std::atomic_ref(
        *reinterpret_cast<std::uint64_t*>(page.host + (address & 0xfff & ~7ull)));
}

/// One walk of one address.
class Walk {
public:
    Walk(State& state, Platform& platform, const Half& half, AccessKind kind, bool privileged)
        : state_(state), platform_(platform), half_(half), kind_(kind), privileged_(privileged)
    {
    }

    TranslationResult run(std::uint64_t va)
    {
        std::uint64_t table = half_.table;
        for (unsigned level = half_.start_level();; ++level) {
            const auto next = step(va, table, level);
            if (const auto* failed = std::get_if<Fault>(&next))
                return *failed;
            if (const auto* leaf = std::get_if<Translation>(&next))
                return *leaf;
            table = std::get<std::uint64_t>(next);
        }
    }

private:
    using Step = std::variant<Translation, Fault, std::uint64_t>;

    Fault not_writable(unsigned level) const
    {
        return {static_cast<std::uint8_t>(kExternalAbortOnWalk | level), AccessKind::Write,
                descriptor_address_};
    }

    /// Reads the descriptor of `va` at `level`: a leaf, a fault, or the next table.
    Step step(std::uint64_t va, std::uint64_t table, unsigned level)
    {
        const unsigned shift = half_.shift(level);
        const unsigned index_bits =
            level == half_.start_level() ? half_.input_bits - shift : half_.stride();
        const std::uint64_t address =
            align_down(table, std::uint64_t{8} << index_bits) + bits(va, shift, index_bits) * 8;
        if (address >> output_bits(state_.tcr_el1) != 0)
            return fault(kAddressSize, level);
        const Page page = platform_.page(address & ~0xfffull);
        if (page.host == nullptr)
            return Fault{static_cast<std::uint8_t>(kExternalAbortOnWalk | level), AccessKind::Read,
                         address};
        table_writable_ = page.writable;
        descriptor_address_ = address;
        auto where = descriptor_at(page, address);
        const std::uint64_t descriptor = where.load(std::memory_order_acquire);
        if (!bit(descriptor, 0))
            return fault(kTranslation, level);
        if (level < 3 && bit(descriptor, 1)) {
            if (!half_.flat_permissions)
                limits_.narrow(descriptor);
            return descriptor & bits(~0ull, 0, 48) & ~bits(~0ull, 0, half_.granule_bits);
        }
        if (level == 3 ? !bit(descriptor, 1) : !block_allowed(level))
            return fault(kTranslation, level);
        return leaf(va, where, descriptor, level);
    }

    [[nodiscard]] bool block_allowed(unsigned level) const
    {
        return level == 2 || (level == 1 && half_.granule_bits == 12);
    }

    Step leaf(std::uint64_t va, std::atomic_ref<std::uint64_t> where, std::uint64_t descriptor,
              unsigned level)
    {
        const std::uint64_t size = std::uint64_t{1} << half_.shift(level);
        const std::uint64_t output = descriptor & bits(~0ull, 0, 48) & ~(size - 1);
        if (output >> output_bits(state_.tcr_el1) != 0)
            return fault(kAddressSize, level);
        if (!bit(descriptor, 10)) {
            if (!bit(state_.tcr_el1, 39))
                return fault(kAccessFlag, level);
            if (!table_writable_)
                return not_writable(level);
            if (!where.compare_exchange_strong(descriptor, descriptor | 1ull << 10))
                return leaf_again(va, where, level);
            descriptor |= 1ull << 10;
        }
        Translation result = permissions(descriptor, level);
        const bool dirtiable = bit(state_.tcr_el1, 40) && bit(descriptor, 51) && !limits_.read_only;
        if (kind_ == AccessKind::Write && !result.writable && dirtiable) {
            const std::uint64_t dirty = descriptor & ~(1ull << 7);
            const Translation after = permissions(dirty, level);
            if (after.writable) {
                if (!table_writable_)
                    return not_writable(level);
                if (!where.compare_exchange_strong(descriptor, dirty))
                    return leaf_again(va, where, level);
                result = after;
            }
        }
        if (!allowed(result))
            return fault(kPermission, level);
        result.ipa = output | (va & (size - 1));
        result.block_size = size;
        return result;
    }

    /// Another PE changed the descriptor between our look and our update.
    Step leaf_again(std::uint64_t va, std::atomic_ref<std::uint64_t> where, unsigned level)
    {
        const std::uint64_t descriptor = where.load(std::memory_order_acquire);
        const bool still_leaf = bit(descriptor, 0) && bit(descriptor, 1) == (level == 3);
        return still_leaf ? leaf(va, where, descriptor, level) : Step{fault(kTranslation, level)};
    }

    [[nodiscard]] bool allowed(const Translation& t) const
    {
        switch (kind_) {
        case AccessKind::Read: return t.readable;
        case AccessKind::Write: return t.writable;
        case AccessKind::Fetch: return t.executable;
        }
        return false;
    }

    /// DDI 0487 D8.4: what AP, UXN, PXN, WXN and PAN leave.
    [[nodiscard]] Translation permissions(std::uint64_t descriptor, unsigned level) const
    {
        const bool wxn = bit(state_.sctlr_el1, 19);
        const bool user = bit(descriptor, 6) && !limits_.no_user;
        const bool read_only = bit(descriptor, 7) || limits_.read_only;
        const bool uxn = bit(descriptor, 54) || limits_.uxn;
        const bool pxn = bit(descriptor, 53) || limits_.pxn;
        Translation t;
        t.user = user;
        if (privileged_) {
            const bool epan = bit(state_.sctlr_el1, 57);
            const bool denied = state_.pan && (user || (epan && !uxn));
            t.readable = !denied;
            t.writable = !read_only && !denied;
            t.executable = !pxn && !(user && !read_only) && !(wxn && !read_only);
        } else {
            t.readable = user;
            t.writable = user && !read_only;
            t.executable = !uxn && !(wxn && t.writable);
        }
        t.attributes = static_cast<std::uint8_t>(
            bits(state_.mair_el1, static_cast<unsigned>(bits(descriptor, 2, 3)) * 8, 8));
        t.device = (t.attributes & 0xf0) == 0;
        t.shareability = static_cast<std::uint8_t>(bits(descriptor, 8, 2));
        t.global = !bit(descriptor, 11);
        (void)level;
        return t;
    }

    State& state_;
    Platform& platform_;
    const Half& half_;
    AccessKind kind_;
    bool privileged_;
    std::uint64_t descriptor_address_ = 0;
    bool table_writable_ = false;  // the table that holds the descriptor looked at
    TableLimits limits_;
};

}  // namespace

bool Mmu::enabled() const noexcept
{
    return bit(state_.sctlr_el1, 0);
}

std::uint16_t Mmu::asid() const noexcept
{
    const std::uint64_t ttbr = bit(state_.tcr_el1, 22) ? state_.ttbr1_el1 : state_.ttbr0_el1;
    const auto asid = static_cast<std::uint16_t>(ttbr >> 48);
    return bit(state_.tcr_el1, 36) ? asid : static_cast<std::uint16_t>(asid & 0xff);
}

TranslationResult Mmu::translate(std::uint64_t va, AccessKind kind, bool privileged) noexcept
{
    if (!enabled()) {
        if (va >> kPhysicalAddressBits != 0)
            return fault(kAddressSize, 0);
        return Translation{.ipa = va,
                           .block_size = 4096,
                           .device = kind != AccessKind::Fetch,
                           .shareability = 2,
                           .readable = true,
                           .writable = true,
                           .executable = true};
    }
    const bool upper = bit(va, 55);
    const Half half = half_of(state_, upper);
    if (!in_range(half, va, upper) || half.walks_disabled || (half.user_disabled && !privileged))
        return fault(kTranslation, 0);
    return Walk(state_, platform_, half, kind, privileged).run(va);
}

}  // namespace gh::cpu
