// SPDX-License-Identifier: BSD-3-Clause
#include "machine.h"

#include "base/bits.h"
#include "base/error.h"
#include "emulator/jit/jit.h"
#include "values.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>

namespace gh::differential {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kVectors = 0x3000'0000;
constexpr std::uint64_t kTables = 0x3001'0000;

// Where the vector page has what (VBAR_EL1 = kVectors).
constexpr std::uint64_t kFromLowerEl = 0x400;
constexpr std::uint64_t kFromSameEl = 0x200;
constexpr std::uint64_t kErets = 0x800;
constexpr std::uint64_t kSetsUp = 0x900;
constexpr std::uint64_t kForgetsCode = 0xa00;

constexpr std::uint16_t kDone = 0;
constexpr std::uint16_t kException = 1;

constexpr std::uint32_t hvc(std::uint16_t immediate)
{
    return 0xd400'0002 | std::uint32_t{immediate} << 5;
}
constexpr std::uint32_t kSvc = 0xd400'0001;
constexpr std::uint32_t kEret = 0xd69f'03e0;
constexpr std::array<std::uint32_t, 9> kSetUp{
    0xd518'a200,  // msr mair_el1, x0
    0xd518'2041,  // msr tcr_el1, x1
    0xd518'2002,  // msr ttbr0_el1, x2
    0xd518'c003,  // msr vbar_el1, x3
    0xd518'1045,  // msr cpacr_el1, x5
    0xd503'3fdf,  // isb
    0xd518'1004,  // msr sctlr_el1, x4
    0xd503'3fdf,  // isb
    hvc(kDone),
};
constexpr std::array<std::uint32_t, 4> kForgetCode{
    0xd508'751f,  // ic iallu
    0xd503'3f9f,  // dsb sy
    0xd503'3fdf,  // isb
    hvc(kDone),
};

// 4 KiB granule, 39-bit addresses, no tagging checks: what Linux gives a process, TBI included.
constexpr std::uint64_t kTcr =
    25 | 1ull << 8 | 1ull << 10 | 3ull << 12 | 1ull << 23 | 1ull << 32 | 1ull << 37;
// MMU and caches on; EL0 may use DC ZVA, CTR_EL0 and cache maintenance by address. No stack
// alignment check: qemu-user has none.
constexpr std::uint64_t kSctlr = 0x30d0'0800 | 1ull << 0 | 1ull << 2 | 1ull << 12 | 1ull << 14 |
                                 1ull << 15 | 1ull << 16 | 1ull << 18 | 1ull << 26;
constexpr std::uint64_t kFpOn = 3ull << 20;

// Page descriptors: valid, accessed, inner shareable, MAIR index 0.
constexpr std::uint64_t kPageBase = 3 | 1ull << 10 | 3ull << 8;
constexpr std::uint64_t kNeverEl0 = 1ull << 54;
constexpr std::uint64_t kNeverEl1 = 1ull << 53;
constexpr std::uint64_t kUserCode = kPageBase | 3ull << 6 | kNeverEl1;
constexpr std::uint64_t kUserData = kPageBase | 1ull << 6 | kNeverEl0 | kNeverEl1;
constexpr std::uint64_t kKernelCode = kPageBase | 2ull << 6 | kNeverEl0;

using Table = std::array<std::uint64_t, 512>;

}  // namespace

struct alignas(kPage) Machine::Ram {
    std::array<std::byte, sizeof(Batch::code)> code;
    std::array<std::byte, kPage> exit;
    std::array<std::byte, kWindowSize> window;
    std::array<std::byte, kPage> vectors;
    std::array<Table, 6> tables;  // level 1, level 2, then level 3 as they come
    unsigned used_tables = 2;

    struct Area {
        std::uint64_t address;
        std::span<std::byte> bytes;
        std::uint64_t attributes;
    };
    std::array<Area, 5> areas() noexcept
    {
        return {Area{kCodeAddress, code, kUserCode}, Area{kExitAddress, exit, kUserCode},
                Area{kWindowAddress, window, kUserData}, Area{kVectors, vectors, kKernelCode},
                Area{kTables, std::as_writable_bytes(std::span(tables)), 0}};
    }

    /// The level 3 entry of `address`, its tables made on the way.
    std::uint64_t& entry(std::uint64_t address) noexcept
    {
        tables[0][0] = (kTables + kPage) | 3;
        std::uint64_t& second = tables[1].at(bits(address, 21, 9));
        if (second == 0)
            second = (kTables + kPage * used_tables++) | 3;
        Table& third = tables.at(((second & ~std::uint64_t{3}) - kTables) / kPage);
        return third.at(bits(address, 12, 9));
    }
};

Machine::Machine(bool translated)
    : ram_(std::make_unique<Ram>()),
      cpu_(std::make_unique<cpu::Cpu>(cluster_, *this, 0, 0x8000'0000)),
      watchdog_([this](const std::stop_token& stop) { watch(stop); })
{
    if (translated) {
        if (jit::unavailable() != nullptr)
            throw Error(jit::unavailable());
        cpu_->set_translator(jit::make_translator(*cpu_, 1));
    }
    map_pages();
    const auto put = [](std::span<std::byte> bytes, std::uint64_t offset, auto words) {
        std::memcpy(bytes.data() + offset, &words, sizeof(words));
    };
    put(ram_->exit, 0, kSvc);
    put(ram_->vectors, kFromLowerEl, hvc(kException));
    put(ram_->vectors, kFromSameEl, hvc(kException));
    put(ram_->vectors, kErets, kEret);
    put(ram_->vectors, kSetsUp, kSetUp);
    put(ram_->vectors, kForgetsCode, kForgetCode);
    cpu_->reset(kVectors + kSetsUp, 0xff);
    cpu_->state().x[1] = kTcr;
    cpu_->state().x[2] = kTables;
    cpu_->state().x[3] = kVectors;
    cpu_->state().x[4] = kSctlr;
    cpu_->state().x[5] = kFpOn;
    call(kVectors + kSetsUp);
    GH_CHECK(outcome_ == kDone);
}

Machine::~Machine() = default;

void Machine::map_pages() noexcept
{
    for (const Ram::Area& area : ram_->areas())
        for (std::uint64_t at = 0; area.attributes != 0 && at < area.bytes.size(); at += kPage)
            ram_->entry(area.address + at) = (area.address + at) | area.attributes;
}

void Machine::load(const Batch& batch) noexcept
{
    std::memcpy(ram_->code.data(), batch.code, sizeof(batch.code));
    std::memcpy(ram_->window.data(), batch.window, kWindowSize);
    call(kVectors + kForgetsCode);
}

std::span<const std::byte> Machine::window() const noexcept
{
    return ram_->window;
}

void Machine::call(std::uint64_t address) noexcept
{
    cpu_->state().pc = address;
    outcome_ = 0xffff;
    runs_.fetch_add(1, std::memory_order_relaxed);
    (void)cpu_->run();
    runs_.fetch_add(1, std::memory_order_relaxed);
}

namespace {

/// What Linux makes of a synchronous exception from EL0 (arch/arm64: traps.c, fault.c).
std::uint32_t signal_of(std::uint64_t esr) noexcept
{
    switch (esr >> 26) {
    case 0x15: return 0;        // SVC: the end of the case
    case 0x20: return SIGSEGV;  // instruction abort
    case 0x24: {                // data abort: alignment and external ones are SIGBUS
        const auto status = esr & 0x3f;
        return status == 0x21 || (status & 0x3c) == 0x10 ? SIGBUS : SIGSEGV;
    }
    case 0x22:
    case 0x26: return SIGBUS;  // pc and sp alignment
    case 0x3c: return SIGTRAP;
    default: return SIGILL;
    }
}

}  // namespace

void Machine::run(Registers& registers) noexcept
{
    cpu::State& state = cpu_->state();
    std::copy_n(registers.x, 31, state.x.begin());
    state.sp_el0 = registers.sp;
    state.tpidr_el0 = registers.x[30];
    state.elr_el1 = registers.pc;
    state.spsr_el1 = registers.nzcv;
    state.fpcr = registers.fpcr;
    state.fpsr = registers.fpsr;
    std::memcpy(state.v.data(), registers.v, sizeof(registers.v));
    call(kVectors + kErets);
    std::copy_n(state.x.begin(), 31, registers.x);
    registers.sp = state.sp_el0;
    registers.nzcv = static_cast<std::uint32_t>(state.spsr_el1) & kNzcvMask;
    registers.fpcr = state.fpcr;
    registers.fpsr = state.fpsr;
    std::memcpy(registers.v, state.v.data(), sizeof(registers.v));
    registers.signal = outcome_ == kException ? signal_of(state.esr_el1) : kLoops;
    registers.pc = registers.signal != 0 ? state.elr_el1 : 0;
}

cpu::Page Machine::page(std::uint64_t ipa) noexcept
{
    for (const Ram::Area& area : ram_->areas())
        if (ipa >= area.address && ipa - area.address < area.bytes.size())
            return {area.bytes.data() + align_down(ipa - area.address, kPage), true, true};
    return {};
}

cpu::MmioOutcome Machine::mmio(cpu::Cpu& /*cpu*/, cpu::MmioAccess& /*access*/) noexcept
{
    return cpu::MmioOutcome::Abort;
}

bool Machine::hypervisor_call(cpu::Cpu& cpu, bool /*smc*/, std::uint16_t immediate) noexcept
{
    outcome_ = immediate;
    cpu.request_exit();
    return true;
}

bool Machine::read_register(cpu::Cpu& /*cpu*/, std::uint16_t /*id*/,
                            std::uint64_t& /*value*/) noexcept
{
    return false;
}

bool Machine::write_register(cpu::Cpu& /*cpu*/, std::uint16_t /*id*/,
                             std::uint64_t /*value*/) noexcept
{
    return false;
}

std::uint64_t Machine::random() noexcept
{
    return 0;
}

void Machine::watch(const std::stop_token& stop) noexcept
{
    // An odd count is a run under way; one that lasts a whole period loops.
    std::uint64_t seen = 0;
    while (!stop.stop_requested()) {
        for (int i = 0; i < 20 && !stop.stop_requested(); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const std::uint64_t now = runs_.load(std::memory_order_relaxed);
        if (now == seen && now % 2 == 1)
            cpu_->kick();
        seen = now;
    }
}

}  // namespace gh::differential
