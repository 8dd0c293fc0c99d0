// SPDX-License-Identifier: BSD-3-Clause
#include "emulator/cpu/mmu.h"

#include "rig.h"

#include <doctest/doctest.h>

namespace {

using gh::cpu::AccessKind;
using gh::cpu::Fault;
using gh::cpu::Mmu;
using gh::cpu::Translation;
using gh::cpu::test::Rig;

constexpr std::uint64_t kValid = 1;
constexpr std::uint64_t kTable = 3;
constexpr std::uint64_t kPageBit = 2;
constexpr std::uint64_t kUser = 1ull << 6;
constexpr std::uint64_t kReadOnly = 1ull << 7;
constexpr std::uint64_t kAf = 1ull << 10;
constexpr std::uint64_t kNotGlobal = 1ull << 11;
constexpr std::uint64_t kDbm = 1ull << 51;
constexpr std::uint64_t kPxn = 1ull << 53;
constexpr std::uint64_t kUxn = 1ull << 54;

constexpr std::uint64_t kHa = 1ull << 39;
constexpr std::uint64_t kHd = 1ull << 40;
constexpr std::uint64_t kE0pd0 = 1ull << 55;

/// TTBR0 maps 39 bits with 4 KiB pages through three levels of tables at the end of RAM; the page
/// at kVa is what a test sets up.
struct Tables {
    static constexpr std::uint64_t kRoot = Rig::kRam + 0xf0000;
    static constexpr std::uint64_t kMiddle = Rig::kRam + 0xf1000;
    static constexpr std::uint64_t kLast = Rig::kRam + 0xf2000;
    static constexpr std::uint64_t kVa = 0x40'1000;
    static constexpr std::uint64_t kIpa = Rig::kRam + 0x8000;

    Tables()
    {
        auto& state = rig.cpu.state();
        state.ttbr0_el1 = kRoot;
        state.tcr_el1 = 25;
        state.mair_el1 = 0x00ff;  // attribute 0 Normal, 1 Device
        state.sctlr_el1 |= 1;
        entry(kRoot, 0) = kMiddle | kTable;
        entry(kMiddle, 2) = kLast | kTable;
        page() = kIpa | kAf | kPageBit | kValid;
    }
    std::uint64_t& entry(std::uint64_t table, unsigned index)
    {
        return reinterpret_cast<std::uint64_t*>(&rig.ram[table - Rig::kRam])[index];
    }
    std::uint64_t& page() { return entry(kLast, 1); }

    /// The fault status, or 0x100 for success.
    unsigned status(AccessKind kind, bool privileged = true, std::uint64_t va = kVa)
    {
        const auto result = mmu.translate(va, kind, privileged);
        const auto* fault = std::get_if<Fault>(&result);
        return fault != nullptr ? fault->status : 0x100u;
    }

    Rig rig{0};
    Mmu mmu{rig.cpu.state(), rig};
};

constexpr unsigned kOk = 0x100;

}  // namespace

TEST_CASE("a page translates to its frame and offset")
{
    Tables t;
    const auto result = t.mmu.translate(Tables::kVa + 0x123, AccessKind::Read, true);
    REQUIRE(std::holds_alternative<Translation>(result));
    CHECK(std::get<Translation>(result).ipa == Tables::kIpa + 0x123);
    CHECK(std::get<Translation>(result).block_size == 4096);
}

TEST_CASE("a missing descriptor faults at its level")
{
    Tables t;
    CHECK(t.status(AccessKind::Read, true, 0x40'2000) == 0x07);
    CHECK(t.status(AccessKind::Read, true, 0x60'0000) == 0x06);
    CHECK(t.status(AccessKind::Read, true, 0x8000'0000) == 0x05);
}

TEST_CASE("an address beyond the half that T0SZ maps faults at level 0")
{
    Tables t;
    CHECK(t.status(AccessKind::Read, true, 1ull << 39) == 0x04);
    CHECK(t.status(AccessKind::Read, true, 0x0100'0000'0000'0000 | Tables::kVa) == 0x04);
    t.rig.cpu.state().tcr_el1 |= 1ull << 37;  // TBI0
    CHECK(t.status(AccessKind::Read, true, 0x0100'0000'0000'0000 | Tables::kVa) == kOk);
}

TEST_CASE("a frame beyond what TCR.IPS says is an address size fault")
{
    Tables t;
    t.page() = 1ull << 36 | kAf | kPageBit | kValid;
    t.rig.cpu.state().tcr_el1 |= 1ull << 32;  // 36 bits
    CHECK(t.status(AccessKind::Read) == 0x03);
    t.page() = 1ull << 35 | kAf | kPageBit | kValid;
    CHECK(t.status(AccessKind::Read) == kOk);
    t.page() = 1ull << 47 | kAf | kPageBit | kValid;
    t.rig.cpu.state().tcr_el1 |= 7ull << 32;  // reserved: as much as there is
    CHECK(t.status(AccessKind::Read) == kOk);
}

TEST_CASE("a table outside RAM is an external abort on the walk")
{
    Tables t;
    t.entry(Tables::kMiddle, 2) = 0x2000'0000 | kTable;
    CHECK(t.status(AccessKind::Read) == 0x17);
}

TEST_CASE("the access flag faults or is set by hardware, as TCR.HA says")
{
    Tables t;
    t.page() &= ~kAf;
    CHECK(t.status(AccessKind::Read) == 0x0b);
    t.rig.cpu.state().tcr_el1 |= kHa;
    CHECK(t.status(AccessKind::Read) == kOk);
    CHECK((t.page() & kAf) != 0);
}

TEST_CASE("a clean page becomes dirty by a write and not by a read")
{
    Tables t;
    t.rig.cpu.state().tcr_el1 |= kHa | kHd;
    t.page() |= kReadOnly | kDbm;
    CHECK(t.status(AccessKind::Read) == kOk);
    CHECK((t.page() & kReadOnly) != 0);
    CHECK(t.status(AccessKind::Write) == kOk);
    CHECK((t.page() & kReadOnly) == 0);
}

/// A platform whose guest must not write anywhere.
struct ReadOnlyRig final : gh::cpu::Platform {
    explicit ReadOnlyRig(Rig& around) : rig(around) {}
    gh::cpu::Page page(std::uint64_t ipa) noexcept override
    {
        auto page = rig.page(ipa);
        page.writable = false;
        return page;
    }
    gh::cpu::MmioOutcome mmio(gh::cpu::Cpu& cpu, gh::cpu::MmioAccess& access) noexcept override
    {
        return rig.mmio(cpu, access);
    }
    bool hypervisor_call(gh::cpu::Cpu&, bool, std::uint16_t) noexcept override { return false; }
    bool read_register(gh::cpu::Cpu&, std::uint16_t, std::uint64_t&) noexcept override
    {
        return false;
    }
    bool write_register(gh::cpu::Cpu&, std::uint16_t, std::uint64_t) noexcept override
    {
        return false;
    }
    std::uint64_t random() noexcept override { return 0; }
    Rig& rig;
};

TEST_CASE("a table in RAM that cannot be written is not updated: an external abort on the walk")
{
    Tables t;
    ReadOnlyRig sealed(t.rig);
    Mmu mmu(t.rig.cpu.state(), sealed);
    const auto status = [&](AccessKind kind) {
        const auto result = mmu.translate(Tables::kVa, kind, true);
        const auto* fault = std::get_if<Fault>(&result);
        return fault != nullptr ? fault->status : 0x100u;
    };
    t.rig.cpu.state().tcr_el1 |= kHa | kHd;
    CHECK(status(AccessKind::Read) == kOk);
    t.page() |= kReadOnly | kDbm;
    CHECK(status(AccessKind::Write) == 0x17);
    CHECK(status(AccessKind::Read) == kOk);
    t.page() &= ~kAf;
    CHECK(status(AccessKind::Read) == 0x17);
    CHECK((t.page() & (kAf | kReadOnly)) == kReadOnly);
}

TEST_CASE("a read-only page refuses writes and a kernel page refuses EL0")
{
    Tables t;
    t.page() |= kReadOnly;
    CHECK(t.status(AccessKind::Write) == 0x0f);
    CHECK(t.status(AccessKind::Read, false) == 0x0f);
    t.page() |= kUser;
    CHECK(t.status(AccessKind::Read, false) == kOk);
}

TEST_CASE("PAN keeps EL1 from what EL0 may use")
{
    Tables t;
    t.page() |= kUser;
    CHECK(t.status(AccessKind::Read) == kOk);
    t.rig.cpu.state().pan = true;
    CHECK(t.status(AccessKind::Read) == 0x0f);
    CHECK(t.status(AccessKind::Read, false) == kOk);
}

TEST_CASE("EL1 never executes what EL0 may write")
{
    Tables t;
    CHECK(t.status(AccessKind::Fetch) == kOk);
    t.page() |= kUser;
    CHECK(t.status(AccessKind::Fetch) == 0x0f);
    t.page() |= kReadOnly;
    CHECK(t.status(AccessKind::Fetch) == kOk);
    t.page() |= kPxn;
    CHECK(t.status(AccessKind::Fetch) == 0x0f);
    CHECK(t.status(AccessKind::Fetch, false) == kOk);
    t.page() |= kUxn;
    CHECK(t.status(AccessKind::Fetch, false) == 0x0f);
}

TEST_CASE("tables above take rights away unless TCR.HPD says otherwise")
{
    Tables t;
    t.entry(Tables::kRoot, 0) |= 1ull << 62;  // APTable: read only
    CHECK(t.status(AccessKind::Write) == 0x0f);
    t.rig.cpu.state().tcr_el1 |= 1ull << 41;
    CHECK(t.status(AccessKind::Write) == kOk);
}

TEST_CASE("E0PD hides the half from EL0 alone, as if nothing were mapped")
{
    Tables t;
    t.page() |= kUser;
    t.rig.cpu.state().tcr_el1 |= kE0pd0;
    CHECK(t.status(AccessKind::Read, false) == 0x04);
    CHECK(t.status(AccessKind::Read, true) == kOk);
}

TEST_CASE("16 and 64 KiB granules walk their own levels")
{
    Tables t;
    auto& state = t.rig.cpu.state();
    // 64 KiB: T0SZ = 35 leaves 29 bits: one level, index [28:16].
    state.tcr_el1 = 35 | 1ull << 14;
    state.ttbr0_el1 = Rig::kRam + 0xe0000;
    t.entry(Rig::kRam + 0xe0000, 5) = Rig::kRam + 0x10000 + (kAf | kPageBit | kValid);
    const auto big = t.mmu.translate(0x5'1234, AccessKind::Read, true);
    REQUIRE(std::holds_alternative<Translation>(big));
    CHECK(std::get<Translation>(big).ipa == Rig::kRam + 0x1'1234);
    CHECK(std::get<Translation>(big).block_size == 0x1'0000);
    // 16 KiB: T0SZ = 39 leaves 25 bits: one level, index [24:14].
    state.tcr_el1 = 39 | 2ull << 14;
    t.entry(Rig::kRam + 0xe0000, 5) = Rig::kRam + 0x4000 + (kAf | kPageBit | kValid);
    const auto middle = t.mmu.translate(0x1'4321, AccessKind::Read, true);
    REQUIRE(std::holds_alternative<Translation>(middle));
    CHECK(std::get<Translation>(middle).ipa == Rig::kRam + 0x4321);
}

TEST_CASE("a translation changed in memory is seen after TLBI by address, not before a miss")
{
    Tables t;
    t.page() = Tables::kIpa | kAf | kPageBit | kValid | kNotGlobal;
    t.entry(Tables::kRoot, 2) = Rig::kRam | kAf | kValid;  // the program, 1 GiB block
    t.rig.put(Rig::kRam, {
                             0xf9400020,  // ldr x0, [x1]
                             0xf9000043,  // str x3, [x2]   (the descriptor)
                             0xd5088764,  // tlbi vaae1, x4
                             0xd5033f9f,  // dsb sy
                             0xf9400025,  // ldr x5, [x1]
                             Rig::kHvc,
                         });
    t.rig.ram[0x8000] = std::byte{1};
    t.rig.ram[0x9000] = std::byte{2};
    t.rig.x(1) = Tables::kVa;
    t.rig.x(2) = Tables::kLast + 8;
    t.rig.x(3) = (t.page() & ~0xffff'f000ull) | (Tables::kIpa + 0x1000);
    t.rig.x(4) = Tables::kVa >> 12;
    REQUIRE(t.rig.run() == gh::cpu::Exit::Requested);
    CHECK(t.rig.x(0) == 1);
    CHECK(t.rig.x(5) == 2);
}

#ifdef __x86_64__
TEST_CASE("LDXP reads a page that it may not write, where the host loads 16 bytes at once")
{
    Tables t;
    t.page() |= kReadOnly;
    t.entry(Tables::kRoot, 2) = Rig::kRam | kAf | kValid;  // the program, 1 GiB block
    t.rig.put(Rig::kRam, {0xc87f1043, Rig::kHvc});         // ldxp x3, x4, [x2]
    t.rig.cpu.state().vbar_el1 = Rig::kRam + 0x800;
    t.rig.put(Rig::kRam + 0xa00, {Rig::kHvc});
    t.rig.ram[0x8000] = std::byte{1};
    t.rig.ram[0x8008] = std::byte{2};
    t.rig.x(2) = Tables::kVa;
    REQUIRE(t.rig.run() == gh::cpu::Exit::Requested);
    const bool loads = __builtin_cpu_supports("avx") != 0;
    CHECK(t.rig.cpu.state().esr_el1 == (loads ? 0 : 0x9600'004f));
    CHECK(t.rig.x(3) == (loads ? 1 : 0));
    CHECK(t.rig.x(4) == (loads ? 2 : 0));
}
#endif
