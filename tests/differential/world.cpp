// SPDX-License-Identifier: BSD-3-Clause
#include "world.h"

#include "base/bits.h"
#include "base/error.h"
#include "emulator/jit/jit.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>

namespace gh::differential {
namespace {

constexpr std::uint64_t kPage = World::kPage;
constexpr std::uint64_t kVectors = 0x3000'0000;
constexpr std::uint64_t kTables = 0x3001'0000;

// Where the vector page (VBAR_EL1 = kVectors) has more than vectors.
constexpr std::uint64_t kErets = 0x800;
constexpr std::uint64_t kSetsUp = 0x900;
constexpr std::uint64_t kForgets = 0xa00;
constexpr std::uint16_t kDone = 0x1000;

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
constexpr std::array<std::uint32_t, 7> kForget{
    0xd50b'7520,  // ic ivau, x0
    0x9101'0000,  // add x0, x0, #64
    0xeb01'001f,  // cmp x0, x1
    0x54ff'ffa3,  // b.lo -12
    0xd503'3f9f,  // dsb sy
    0xd503'3fdf,  // isb
    hvc(kDone),
};

// 4 KiB granule, 39-bit addresses; top byte ignored.
constexpr std::uint64_t kTcr =
    25 | 1ull << 8 | 1ull << 10 | 3ull << 12 | 1ull << 23 | 1ull << 32 | 1ull << 37;
// MMU, caches and stack alignment checks on; EL0 may use DC ZVA, CTR_EL0 and cache maintenance.
constexpr std::uint64_t kSctlr = 0x30d0'0800 | 1ull << 0 | 1ull << 2 | 1ull << 3 | 1ull << 4 |
                                 1ull << 12 | 1ull << 14 | 1ull << 15 | 1ull << 26;
constexpr std::uint64_t kMair = 0x00ff;  // 0: Normal, 1: Device
constexpr std::uint64_t kFpOn = 3ull << 20;

// Page descriptors: valid, accessed, inner shareable, MAIR index 0.
constexpr std::uint64_t kBase = 3 | 1ull << 10 | 3ull << 8;
constexpr std::uint64_t kDevice = 1ull << 2;
constexpr std::uint64_t kUser = 1ull << 6;
constexpr std::uint64_t kReadOnly = 1ull << 7;
constexpr std::uint64_t kNeverEl0 = 1ull << 54;
constexpr std::uint64_t kNeverEl1 = 1ull << 53;
constexpr std::uint64_t kData = kBase | kUser | kNeverEl0 | kNeverEl1;
constexpr std::uint64_t kUserText = kBase | kUser | kReadOnly | kNeverEl1;
constexpr std::uint64_t kKernelText = kBase | kReadOnly | kNeverEl0;
constexpr std::uint64_t kSharedText = kBase | kUser | kReadOnly;
constexpr std::uint64_t kNone = 0;

constexpr std::array<std::uint64_t, World::kWindowPages> kWindowAttributes{
    kData,           kData, kData, kData, kData & ~kUser, kData, kData | kReadOnly,
    kData | kDevice, kNone, kData};

using Table = std::array<std::uint64_t, 512>;

}  // namespace

struct alignas(kPage) World::Ram {
    std::array<std::byte, kPage * kCodePages> code;
    std::array<std::byte, kPage> exit;
    std::array<std::byte, kPage * kWindowPages> window;
    std::array<std::byte, kPage> vectors;
    std::array<Table, 16> tables;  // level 1, level 2, then level 3 as they come
    unsigned used_tables = 2;

    struct Area {
        std::uint64_t ipa;
        std::span<std::byte> bytes;
    };
    static constexpr std::uint64_t kExit = 0x3002'0000;
    std::array<Area, 5> areas() noexcept
    {
        return {Area{kUserCode, code}, Area{kExit, exit}, Area{kWindow, window},
                Area{kVectors, vectors}, Area{kTables, std::as_writable_bytes(std::span(tables))}};
    }

    void map(std::uint64_t va, std::uint64_t ipa, std::uint64_t attributes) noexcept
    {
        tables[0][0] = (kTables + kPage) | 3;
        std::uint64_t& second = tables[1].at(bits(va, 21, 9));
        if (second == 0)
            second = (kTables + kPage * used_tables++) | 3;
        Table& third = tables.at(((second & ~std::uint64_t{3}) - kTables) / kPage);
        third.at(bits(va, 12, 9)) = attributes != kNone ? ipa | attributes : 0;
    }

    void map_code(std::uint64_t va, std::uint64_t attributes) noexcept
    {
        map(va + kExitDelta, kExit, attributes);
        for (std::uint64_t at = 0; at < code.size(); at += kPage) {
            map(va + at, kUserCode + at, attributes);
            map(va + at + kWritableDelta, kUserCode + at, kData);
        }
    }
};

World::World(std::optional<std::uint32_t> threshold)
    : ram_(std::make_unique<Ram>()),
      cpu_(std::make_unique<cpu::Cpu>(cluster_, *this, 0, 0x8000'0000)),
      watchdog_([this](const std::stop_token& stop) { watch(stop); })
{
    if (threshold) {
        if (jit::unavailable() != nullptr)
            throw Error(jit::unavailable());
        cpu_->set_translator(jit::make_translator(*cpu_, *threshold));
    }
    ram_->map_code(kUserCode, kUserText);
    ram_->map_code(kKernelCode, kKernelText);
    ram_->map_code(kSharedCode, kSharedText);
    for (unsigned i = 0; i < kWindowPages; ++i)
        ram_->map(kWindow + i * kPage, kWindow + i * kPage, kWindowAttributes.at(i));
    ram_->map(kVectors, kVectors, kKernelText);
    set_up();
}

World::~World() = default;

void World::set_up() noexcept
{
    const auto put_words = [](std::span<std::byte> bytes, std::uint64_t offset, auto words) {
        std::memcpy(bytes.data() + offset, &words, sizeof(words));
    };
    for (std::uint16_t vector = 0; vector < 16; ++vector)
        put_words(ram_->vectors, vector * 0x80u, hvc(vector));
    put_words(ram_->vectors, kErets, kEret);
    put_words(ram_->vectors, kSetsUp, kSetUp);
    put_words(ram_->vectors, kForgets, kForget);
    put_words(ram_->exit, 0, kSvc);
    cpu_->reset(kVectors + kSetsUp, kMair);
    cpu_->state().x[1] = kTcr;
    cpu_->state().x[2] = kTables;
    cpu_->state().x[3] = kVectors;
    cpu_->state().x[4] = kSctlr;
    cpu_->state().x[5] = kFpOn;
    GH_CHECK(call(kVectors + kSetsUp).outcome == kDone);
    initial_ = cpu_->state();
}

std::span<std::byte> World::window() noexcept
{
    return ram_->window;
}

std::span<const std::byte> World::code() const noexcept
{
    return ram_->code;
}

void World::put(std::uint64_t offset, std::span<const std::uint32_t> words) noexcept
{
    const std::size_t size = std::min(words.size_bytes(), ram_->code.size() - offset);
    std::memcpy(ram_->code.data() + offset, words.data(), size);
    cpu::State& state = cpu_->state();
    state = initial_;
    state.x[0] = kKernelCode + align_down(offset, 64);
    state.x[1] = kKernelCode + offset + size;
    GH_CHECK(call(kVectors + kForgets).outcome == kDone);
}

World::End World::call(std::uint64_t address) noexcept
{
    cpu_->state().pc = address;
    outcome_ = 0xffff;
    runs_.fetch_add(1, std::memory_order_relaxed);
    const cpu::Exit exit = cpu_->run();
    runs_.fetch_add(1, std::memory_order_relaxed);
    return {exit, outcome_};
}

World::End World::run(const cpu::State& state) noexcept
{
    cpu_->state() = state;
    return call(kVectors + kErets);
}

cpu::Page World::page(std::uint64_t ipa) noexcept
{
    for (const Ram::Area& area : ram_->areas())
        if (ipa >= area.ipa && ipa - area.ipa < area.bytes.size())
            return {area.bytes.data() + align_down(ipa - area.ipa, kPage), true, true};
    return {};
}

cpu::MmioOutcome World::mmio(cpu::Cpu& /*cpu*/, cpu::MmioAccess& /*access*/) noexcept
{
    return cpu::MmioOutcome::Abort;
}

bool World::hypervisor_call(cpu::Cpu& cpu, bool /*smc*/, std::uint16_t immediate) noexcept
{
    outcome_ = immediate;
    cpu.request_exit();
    return true;
}

bool World::read_register(cpu::Cpu& /*cpu*/, std::uint16_t /*id*/,
                          std::uint64_t& /*value*/) noexcept
{
    return false;
}

bool World::write_register(cpu::Cpu& /*cpu*/, std::uint16_t /*id*/,
                           std::uint64_t /*value*/) noexcept
{
    return false;
}

void World::watch(const std::stop_token& stop) noexcept
{
    // An odd count is a run under way; one that lasts a whole period loops. The period is of the
    // time that the process has had, since a busy machine gives it little.
    std::uint64_t seen = 0;
    while (!stop.stop_requested()) {
        const std::clock_t begin = std::clock();
        while (std::clock() - begin < CLOCKS_PER_SEC && !stop.stop_requested())
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        const std::uint64_t now = runs_.load(std::memory_order_relaxed);
        if (now == seen && now % 2 == 1)
            cpu_->kick();
        seen = now;
    }
}

}  // namespace gh::differential
