// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "emulator/hyp/debugger.h"
#include "emulator/hyp/profile.h"
#include "emulator/hyp/vm.h"

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <semaphore>
#include <vector>

/// Guests of a few instructions, written as words.
namespace gh::hyp {

using Code = std::vector<std::uint32_t>;

inline constexpr std::uint64_t kBase = 0x8000'0000;
inline constexpr std::uint64_t kOut = 0x5000;  // in the VMMIO window
inline constexpr std::uint64_t kGicd = 0x3fff'0000;
inline constexpr std::uint64_t kGicr = 0x3fe0'0000;
inline constexpr std::uint64_t kSgiFrame0 = kGicr + 0x1'0000;
inline constexpr std::uint16_t kBell = 40;

/// Keeps what a profiler is told when the VM goes.
struct Listener final : Profiler {
    void made(const cpu::HostCode&) noexcept override {}
    void ended(std::vector<std::unique_ptr<VcpuProfile>> all) noexcept override
    {
        vcpus = std::move(all);
    }
    std::vector<std::unique_ptr<VcpuProfile>> vcpus;
};

/// A VM of one page of code and three of data.
struct Guest {
    static constexpr std::size_t kRam = 0x4000;

    /// `at`: where in RAM `code` goes.
    void put(const Code& code, std::size_t at = 0) const
    {
        std::memcpy(ram.get() + at, code.data(), 4 * code.size());
    }
    Vm& start(unsigned cpus = 1, bool all_boot = false)
    {
        VmConfig config;
        for (unsigned n = 0; n < cpus; ++n)
            config.vcpus.push_back({.mpidr = 0x8000'0000 | n, .boots = n == 0 || all_boot});
        config.gic.redistributors = Gpa{kGicr};
        config.doorbells = {
            {.label = 0, .intid = kBell, .level = true, .source_can_clear = source_can_clear}};
        config.ram = {{.at = Gpa{kBase}, .host = {ram.get(), kRam}}};
        config.message_queues = queues;
        config.capabilities = capabilities;
        config.on_message = on_message;
        config.psci = psci;
        config.boot = boot;
        config.proxy = proxy;
        config.profiler = profiler;
        config.debugger = debugger;
        config.engine = engine;
        config.on_exit = [this](const VmExit& exit) {
            exits.push_back(exit);
            ended.release();
        };
        vm = std::make_unique<Vm>(std::move(config));
        return *vm;
    }

    struct Unmap {
        void operator()(std::byte* p) const { std::free(p); }
    };
    static std::byte* allocate()
    {
        void* const p = std::aligned_alloc(0x1000, kRam);
        return static_cast<std::byte*>(std::memset(p, 0, kRam));
    }
    std::unique_ptr<std::byte, Unmap> ram{allocate()};
    BootContext boot{.pc = kBase, .x = {}};
    std::vector<MessageQueueConfig> queues;
    std::vector<Capability> capabilities;
    std::function<void(MessageOwner&, unsigned)> on_message;
    bool psci = true;
    bool source_can_clear = true;
    bool proxy = true;
    std::shared_ptr<Profiler> profiler;
    std::shared_ptr<Debugger> debugger;
    Engine engine = Engine::Auto;
    std::vector<VmExit> exits;
    std::counting_semaphore<> ended{0};  // of VMs
    std::unique_ptr<Vm> vm;
};

inline const Code kPowerOff{
    0xd2b08000,  // mov x0, #0x84000000
    0x91002000,  // add x0, x0, #8
    0xd4000002,  // hvc #0
};
inline const Code kSpin{0x14000000};  // b .
/// SPIs 32..63 and all PPIs on; x0: SGI frame, x3: distributor.
inline const Code kEnableGic{
    0x12800002,  // mov w2, #-1
    0xb9008462,  // str w2, [x3, #0x84]
    0xb9010462,  // str w2, [x3, #0x104]
    0xb9008002,  // str w2, [x0, #0x80]
    0xb9010002,  // str w2, [x0, #0x100]
    0x52800042,  // mov w2, #2
    0xb9000062,  // str w2, [x3]
    0xd2801fe2,  // mov x2, #0xff
    0xd5184602,  // msr icc_pmr_el1, x2
    0xd2800022,  // mov x2, #1
    0xd518cce2,  // msr icc_igrpen1_el1, x2
    0xd5033fdf,  // isb
};
inline Code operator+(Code a, const Code& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

}  // namespace gh::hyp
